"""The steps that B7 and B8 measure; each runs in its own process and prints its seconds as JSON."""

import asyncio
import csv
import json
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from dailies.ledger import parquet
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal_fold import fold_dead
from dailies.ledger.journal_writer import Journal, create_journal
from dailies.ledger.manifest import ClaimedRow, Manifest, new_batch_id
from dailies.planning.caps import Caps
from dailies.planning.claim import read_plan
from dailies.planning.outcome import read_outcome
from dailies.planning.plan import Plan
from dailies.planning.terms import Terms
from dailies.pricing import ANY_MONTH, Tariff
from dailies.prompts.reader import PromptFile, read_prompts
from dailies.report.results import write_results

NOW = datetime(2026, 11, 12, 18, tzinfo=UTC)
TERMS = Terms(Tariff({ANY_MONTH: Decimal(20)}, ZoneInfo("America/Mexico_City"), Decimal("1.05")), Caps())
MODELS = ("fal/kling-2", "google/veo-3.1", "fal/runway-gen-4", "fal/luma-ray-2", "fal/hailuo-02", "google/veo-3")
_AT_ONCE = 250

Seconds = dict[str, float]


def write(path: str, rows: str) -> Seconds:
    """Write a CSV."""
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "prompt", "model", "duration", "aspect_ratio", "meta.campaign"])
        for n in range(int(rows)):
            prompt = f"A lighthouse number {n} at dusk, waves below, slow camera, 35 mm film"
            writer.writerow([f"row-{n}", prompt, MODELS[n % len(MODELS)], "", "16:9", f"campaign {n % 10}"])
    return {}


def plan(path: str, ledger: str) -> Seconds:
    """Read and plan."""
    return _read_and_plan(path, ledger)[0]


def _read_and_plan(path: str, ledger: str) -> tuple[Seconds, LedgerFolder, PromptFile, Plan]:
    began = time.perf_counter()
    prompts = read_prompts(path)
    read = time.perf_counter()
    folder = LedgerFolder.open(Path(ledger), "live")
    planned = read_plan(folder, prompts, TERMS, NOW)
    return {"read": read - began, "plan": time.perf_counter() - read}, folder, prompts, planned


def buy(path: str, ledger: str) -> Seconds:
    """Record every row as bought."""
    _, folder, _, planned = _read_and_plan(path, ledger)
    for start in range(0, len(planned.todo), _AT_ONCE):
        batch_id = new_batch_id(NOW)
        rows = planned.todo[start : start + _AT_ONCE]
        file = folder.batch_file(batch_id)
        file.parent.mkdir(exist_ok=True)
        parquet.write_entries(file, (_bought(row.entry, batch_id) for row in rows))
    return {}


def _bought(entry: LedgerEntry, batch_id: str) -> LedgerEntry:
    job_id = str(uuid.uuid4())
    return replace(
        entry,
        batch_id=batch_id,
        status=EntryStatus.COMPLETED,
        job_id=job_id,
        video_url=f"https://files.test/generated-videos/{job_id}/video.mp4",
        charged_mxn=entry.worst_mxn,
        charged_usd=Decimal("0.21"),
        fx_mxn_per_usd=Decimal(20),
        submitted_at=NOW,
        completed_at=NOW,
        waited_s=190.0,
        not_done_at_s=180.0,
        polls=3,
        submit_tries=1,
    )


def done(path: str, ledger: str) -> Seconds:
    """Do what a run does if nothing is left to do."""
    seconds, folder, prompts, planned = _read_and_plan(path, ledger)
    assert not planned.todo, "every row is bought"
    del planned
    began = time.perf_counter()
    outcome = read_outcome(folder, prompts, TERMS.policy)
    write_results(Path(ledger).parent / "results.csv", outcome)
    return {**seconds, "outcome": time.perf_counter() - began}


def ledger(path: str, entries: str) -> Seconds:
    """Make a ledger that repeats the same thousand entries; that makes no difference to a sum."""
    folder = LedgerFolder.open(Path(path), "live")
    first = [_bought(_entry(n, "x"), "x") for n in range(1000)]
    for _ in range(int(entries) // 1000):
        file = folder.batch_file(new_batch_id(NOW))
        file.parent.mkdir(exist_ok=True)
        if first:
            parquet.write_entries(file, first)
            content, first = file.read_bytes(), []
        else:
            file.write_bytes(content)
    return {}


def _entry(number: int, batch_id: str) -> LedgerEntry:
    return LedgerEntry(
        row_key=str(uuid.uuid4()),
        attempt=1,
        source="prompts.csv",
        source_line=number + 2,
        batch_id=batch_id,
        prompt=f"A lighthouse number {number} at dusk",
        model=MODELS[number % len(MODELS)],
        provider="fal",
        duration_s=5,
        aspect_ratio="16:9",
        audio=False,
        usd_per_second=Decimal("0.04"),
        markup=Decimal("1.05"),
        worst_mxn=Decimal("4.2"),
        planned_at=NOW,
    )


def add_up(path: str) -> Seconds:
    """Sum the charges by model."""
    folder = LedgerFolder.open(Path(path), "live")
    began = time.perf_counter()
    table = folder.scan(["model", "charged_mxn"]).group_by("model").aggregate([("charged_mxn", "sum")])
    assert table.num_rows == len(MODELS)
    return {"sum": time.perf_counter() - began}


def _claimed(folder: LedgerFolder, rows: int) -> Manifest:
    batch_id = new_batch_id(NOW)
    entries = (_entry(number, batch_id) for number in range(rows))
    manifest = Manifest(batch_id, "prompts.csv", None, tuple(ClaimedRow(e, (str(e.model),)) for e in entries))
    create_journal(folder.journals, manifest).release()
    return manifest


def journal(path: str, puts: str) -> Seconds:
    """Measure durable entries per second, with as many rows at once as a batch has."""
    return asyncio.run(_journal(LedgerFolder.open(Path(path), "live"), int(puts)))


async def _journal(folder: LedgerFolder, puts: int) -> Seconds:
    manifest = _claimed(folder, _AT_ONCE)
    own = Journal.own(folder.journals / manifest.batch_id, "bench")

    async def row(entry: LedgerEntry) -> None:
        for polls in range(puts // _AT_ONCE):
            await own.put(replace(entry, polls=polls))

    began = time.perf_counter()
    await asyncio.gather(*(row(claimed.entry) for claimed in manifest.rows))
    took_s = time.perf_counter() - began
    own.close()
    return {"per_s": puts / took_s}


def fold(path: str, entries: str) -> Seconds:
    """Fold the batches of interrupted runs: each row was submitted, polled and completed."""
    folder = LedgerFolder.open(Path(path), "live")
    asyncio.run(_work(folder, int(entries) // _AT_ONCE))
    began = time.perf_counter()
    with folder.lock():
        fold_dead(folder, by="bench")
    return {"fold": time.perf_counter() - began}


async def _work(folder: LedgerFolder, batches: int) -> None:
    for _ in range(batches):
        manifest = _claimed(folder, _AT_ONCE)
        own = Journal.own(folder.journals / manifest.batch_id, "bench")

        async def row(entry: LedgerEntry, batch_id: str = manifest.batch_id, own: Journal = own) -> None:
            await own.put(replace(entry, status=EntryStatus.IN_DOUBT))
            await own.put(replace(entry, status=EntryStatus.PENDING, job_id=str(uuid.uuid4())))
            await own.put(replace(entry, status=EntryStatus.PROCESSING, polls=1))
            await own.put(_bought(entry, batch_id), final=True)

        await asyncio.gather(*(row(claimed.entry) for claimed in manifest.rows))
        own.close()


STEPS: dict[str, Callable[..., Seconds]] = {
    "write": write,
    "plan": plan,
    "buy": buy,
    "done": done,
    "ledger": ledger,
    "sum": add_up,
    "journal": journal,
    "fold": fold,
}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(STEPS[sys.argv[1]](*sys.argv[2:])) + "\n")
