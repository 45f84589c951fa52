"""Small factories: a test says what matters to it, the rest is given here."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from dailies.catalogue import load_catalogue
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.manifest import ClaimedRow, Manifest
from dailies.planning.caps import Caps
from dailies.planning.next_attempt import AttemptPolicy
from dailies.planning.options import RunOptions
from dailies.planning.terms import Terms
from dailies.pricing import Tariff
from dailies.prompts.reader import PromptFile, PromptRow, RejectedRow, Sheet
from dailies.prompts.row_key import row_key

NOW = datetime(2026, 11, 12, 18, 0, tzinfo=UTC)
BATCH = "20261112T180000-00000001"
OTHER_BATCH = "20261112T180000-00000002"
LIVE_KEY = "ghub_sk_live_" + "liveKEY-" * 4
TEST_KEY = "ghub_sk_test_" + "testKEY-" * 4
KLING_5_S_MXN = Decimal("4.200000")


def make_row(prompt: str = "a lighthouse at dusk", **changes: Any) -> PromptRow:
    """A row of a CSV, with the key that its request has."""
    values: dict[str, Any] = {
        "source": "prompts.csv",
        "source_line": 2,
        "prompt_id": None,
        "model": "fal/kling-2",
        "duration_s": 5,
        "aspect_ratio": "16:9",
        "take": 1,
        "fallback": (),
        "metadata": {},
        **changes,
    }
    key = row_key(prompt, values["model"], values["duration_s"], values["aspect_ratio"], values["take"])
    return PromptRow(**{"row_key": key, "prompt": prompt, **values})


def make_rows(*prompts: str, **changes: Any) -> tuple[PromptRow, ...]:
    """One row a prompt, line by line."""
    return tuple(make_row(prompt, source_line=line, **changes) for line, prompt in enumerate(prompts, start=2))


def make_file(*rows: PromptRow, rejected: tuple[RejectedRow, ...] = (), source: str = "prompts.csv") -> PromptFile:
    """A file that was read."""
    records = {row.source_line: (row.prompt,) for row in rows} | {row.source_line: row.cells for row in rejected}
    return PromptFile((Sheet(source, ("prompt",), dict(sorted(records.items()))),), rows, rejected)


def make_entry(prompt: str = "a lighthouse at dusk", **changes: Any) -> LedgerEntry:
    """A planned attempt at a 5 s Kling video."""
    row = make_row(prompt)
    model = load_catalogue()[changes.get("model", row.model)]
    values: dict[str, Any] = {
        "row_key": row.row_key,
        "attempt": 1,
        "source": row.source,
        "source_line": row.source_line,
        "batch_id": BATCH,
        "prompt": prompt,
        "provider": model.provider,
        "model": model.id,
        "duration_s": 5,
        "aspect_ratio": "16:9",
        "audio": model.audio,
        "usd_per_second": model.usd_per_second,
        "markup": Decimal("1.05"),
        "worst_mxn": KLING_5_S_MXN,
        "planned_at": NOW,
        **changes,
    }
    return LedgerEntry(**values)


def completed(entry: LedgerEntry, **changes: Any) -> LedgerEntry:
    """The entry with its video, charged as the documentation's example says."""
    values: dict[str, Any] = {
        "status": EntryStatus.COMPLETED,
        "job_id": f"job-{entry.row_key[:8]}",
        "video_url": "https://storage.test/video.mp4",
        "charged_mxn": KLING_5_S_MXN,
        "charged_usd": Decimal("0.210000"),
        "fx_mxn_per_usd": Decimal("20"),
        "submitted_at": NOW,
        "completed_at": NOW,
        "polls": 1,
        "submit_tries": 1,
        **changes,
    }
    return replace(entry, **values)


def make_manifest(*entries: LedgerEntry, batch_id: str = BATCH, models: tuple[str, ...] = ()) -> Manifest:
    """What a batch claimed: these attempts, each with its own model unless others are named."""
    rows = (ClaimedRow(entry, models or (str(entry.model),)) for entry in entries)
    return Manifest(batch_id, "prompts.csv", "run-1", tuple(rows))


def make_tariff(**changes: Any) -> Tariff:
    """The tariff of the documentation's examples."""
    values: dict[str, Any] = {
        "fx": {"2026-11": Decimal("20")},
        "zone": ZoneInfo("America/Mexico_City"),
        "markup": Decimal("1.05"),
        **changes,
    }
    return Tariff(**values)


def make_terms(caps: Caps | None = None, **changes: Any) -> Terms:
    """Terms without caps, two attempts."""
    options = RunOptions(**{name: changes.pop(name) for name in RunOptions.__slots__ if name in changes})
    values: dict[str, Any] = {"tariff": make_tariff(), "policy": AttemptPolicy(), "options": options, **changes}
    return Terms(caps=caps or Caps(), **values)


def make_folder(path: Path, service: str = "live") -> LedgerFolder:
    """A fresh ledger, or the one that is there."""
    return LedgerFolder.open(path, service)


def version_of(path: Path) -> tuple[int, int]:
    """What changes when a file is replaced or written to."""
    stat = path.stat()
    return stat.st_ino, stat.st_mtime_ns
