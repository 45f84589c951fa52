"""Whatever goes wrong in several runs of one file, nothing is bought twice and no row is lost."""

import errno
import os
import random
from collections import Counter

import pytest

from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal import seal
from dailies.planning.claim import read_plan
from dailies.prompts.reader import PromptRow
from tests.factories import (
    KLING_5_S_MXN,
    NOW,
    make_file,
    make_row,
    make_rows,
    make_terms,
)
from tests.fake_api import FakeApi, Fate
from tests.run.scene import Scene, open_scene

S = EntryStatus


ROW = make_row("a")


AT_ONCE = {"give_up_after_s": 1e-6}


FATES: list[Fate] = [
    "renders",
    "fails",
    "filtered",
    "hangs",
    "vanishes",
    "fails at once",
    "lost",
    "unheard",
    400,
    402,
    500,
]


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_goes_wrong_nothing_is_bought_twice_or_lost(folder, monkeypatch, seed):
    """Several runs of one file, each with its own trouble: the promises hold after every one of them."""
    chance = random.Random(seed)
    rows = make_rows(*"abcdefgh")
    api = FakeApi({row.prompt: chance.choices(FATES, k=3) for row in rows})
    for _ in range(6):
        with monkeypatch.context() as patched:
            if not (run := await one_troubled_run(folder, api, rows, chance, patched)):
                break
        promises_hold(folder, api, run)
    for job in api.jobs.values():
        job.fate = "renders" if job.fate in ("hangs", "vanishes") else job.fate
    api.fates = {}
    for _ in range(4):
        if run := await one_run(folder, api, rows):
            promises_hold(folder, api, run)

    statuses = Counter(entry.status for entry in last_attempts(folder))
    assert statuses.total() == len(rows)
    assert set(statuses) <= {S.COMPLETED, S.FAILED}
    assert sum(entry.charged_mxn or 0 for entry in folder.entries()) == len(api.sold) * KLING_5_S_MXN


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


async def one_run(folder: LedgerFolder, api: FakeApi, rows: tuple[PromptRow, ...]) -> Scene | None:
    if not claimable(folder, rows):
        return None
    async with open_scene(folder, api, *rows) as scene:
        await scene.run()
    scene.fold()
    return scene


async def one_troubled_run(
    folder: LedgerFolder, api: FakeApi, rows: tuple[PromptRow, ...], chance: random.Random, patched: pytest.MonkeyPatch
) -> Scene | None:
    """A run that is stopped, fenced or left without disk after a few requests."""
    if not claimable(folder, rows):
        return None
    async with open_scene(folder, api, *rows, **AT_ONCE) as scene:
        left, trouble = chance.randint(1, 15), chance.choice(["stop", "fence", "disk"])

        def strike(_: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                match trouble:
                    case "stop":
                        scene.context.stop.everything("stopped")
                    case "fence":
                        seal(scene.journal.path, "another run")
                    case "disk":
                        patched.setattr(os, "fsync", full_disk)

        api.on_post = api.on_get = strike
        await scene.run()
        api.on_post = api.on_get = lambda _: None
    patched.undo()
    scene.fold()
    return scene


def claimable(folder: LedgerFolder, rows: tuple[PromptRow, ...]) -> bool:
    return bool(read_plan(folder, make_file(*rows), make_terms(), NOW).todo)


def last_attempts(folder: LedgerFolder) -> list[LedgerEntry]:
    last: dict[str, LedgerEntry] = {}
    for entry in sorted(folder.entries(), key=lambda entry: entry.attempt):
        last[entry.row_key] = entry
    return list(last.values())


def promises_hold(folder: LedgerFolder, api: FakeApi, run: Scene) -> None:
    entries = folder.entries()
    by_job = {entry.job_id: entry for entry in entries if entry.job_id}
    polled = {api.jobs[job_id] for job_id in api.gets}
    # A job id is durable before its first poll.
    assert {job.id for job in polled} <= set(by_job)
    # A row never has two jobs that are polled, unless the first one ended as failed.
    alive = Counter(job.body["prompt"] for job in polled if job.status != "failed")
    assert not alive or max(alive.values()) == 1
    # What was sold is charged, or still reserved until a poll reports it.
    for job in api.sold:
        entry = by_job[job.id]
        assert entry.charged_mxn == KLING_5_S_MXN or entry.reserved_mxn == KLING_5_S_MXN
    assert sum(entry.status is S.COMPLETED for entry in entries) <= len(api.sold)
    # No row disappears.
    (batch,) = run.claim.batches
    assert {row.entry.row_key for row in batch.rows} <= {entry.row_key for entry in entries}
