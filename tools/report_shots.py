"""A ledger with rows of every kind, for the report's tests."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from dailies.ledger.entry import EntryStatus, LedgerEntry
from tests.factories import NOW, completed, make_entry
from tests.mirror.film import FilmServer, film

SCRIPT = "a sign that says <script>document.title = 'broken'</script> & \"more\", at dusk"
CAMPAIGNS = ("first-light", 'winter "sale"', "</option><script>alert(1)</script>")
MODELS = ("fal/kling-2", "fal/luma-ray-2", "google/veo-3.1")


def shots(films: FilmServer, count: int = 12) -> list[LedgerEntry]:
    """Make rows of three models and campaigns; every fourth failed, the last one is still rendering."""
    entries = [_shot(films, number) for number in range(count)]
    return [*entries[:-1], replace(entries[-1], status=EntryStatus.PROCESSING, video_url=None, charged_mxn=None)]


def _shot(films: FilmServer, number: int) -> LedgerEntry:
    prompt = SCRIPT if number == 0 else f"shot {number}: gulls over the harbour"
    entry = make_entry(
        prompt,
        source_line=number + 2,
        prompt_id=f"shot-{number:03}",
        model=MODELS[number % 3],
        metadata={"campaign": CAMPAIGNS[number % 3], "client": f"client {number % 2}"},
    )
    if number % 4 == 3:
        return replace(
            entry, status=EntryStatus.FAILED, error="fal status: ERROR <b>", error_code="job_failed", polls=2
        )
    url = films.add(f"/generated-videos/org/{number}/video.mp4", film(5, prompt=f"film {number % 3}"))
    return completed(
        entry,
        job_id=f"job-{number}",
        video_url=url,
        charged_mxn=Decimal("4.2") * (1 + number % 3),
        completed_at=NOW + timedelta(hours=9 * number),
        waited_s=60.0 + number,
        not_done_at_s=50.0,
        polls=1 + number % 2,
    )
