"""JobPolls and history: what polls have shown of a job, in the ledger and back out of it."""

import asyncio
import math
from dataclasses import replace
from datetime import timedelta

import pytest

from dailies.catalogue import load_catalogue
from dailies.ledger.entry import EntryStatus
from dailies.pacing.history import read_past
from dailies.pacing.render_estimates import Sighting
from dailies.run.attempt import Attempt
from tests.factories import NOW, completed, make_entry, make_folder
from tests.fake_api import FakeApi
from tests.run.scene import open_scene

KLING = load_catalogue()["fal/kling-2"]


def test_the_ledger_s_completed_jobs_are_intervals_and_failed_ones_are_censored(tmp_path):
    folder = make_folder(tmp_path / "ledger")
    done = completed(make_entry("a"), waited_s=200.0, not_done_at_s=180.0)
    at_once = completed(make_entry("b"), waited_s=130.0, submitted_at=NOW + timedelta(seconds=1))
    failed = make_entry(
        "c",
        status=EntryStatus.FAILED,
        submitted_at=NOW + timedelta(seconds=2),
        completed_at=NOW,
        waited_s=150.0,
        not_done_at_s=140.0,
    )
    with folder.lock():
        folder.put([done, at_once, failed])

    past = read_past(folder, ["fal/kling-2"], NOW + timedelta(days=1))

    assert [job.sighting for job in past] == [Sighting(180.0, 200.0), Sighting(0.0, 130.0), Sighting(140.0, math.inf)]
    assert {(job.model, job.duration_s) for job in past} == {(KLING, 5)}


def test_what_is_old_open_or_of_other_models_does_not_count(tmp_path):
    folder = make_folder(tmp_path / "ledger")
    old = completed(make_entry("a"), waited_s=200.0, submitted_at=NOW - timedelta(days=31))
    still_open = replace(completed(make_entry("b")), status=EntryStatus.PROCESSING, completed_at=None)
    other = completed(make_entry("c", model="fal/veo-3.1"), waited_s=200.0)
    with folder.lock():
        folder.put([old, still_open, other])

    assert read_past(folder, ["fal/kling-2"], NOW) == []


async def test_a_run_notes_when_a_job_was_last_not_done(tmp_path):
    async with open_scene(make_folder(tmp_path / "ledger"), FakeApi()) as scene:
        await scene.run()

    (entry,) = scene.fold()
    assert entry.not_done_at_s is not None
    assert entry.waited_s is not None
    assert 0 <= entry.not_done_at_s <= entry.waited_s


async def test_a_run_learns_while_it_goes(tmp_path):
    async with open_scene(make_folder(tmp_path / "ledger"), FakeApi(), time_scale=1.0) as scene:
        before = scene.context.forecast.mean_s(KLING, 5)
        for number in range(20):
            scene.context.forecast.saw_end(KLING, 5, str(number), 2 * before, 2.1 * before)
        (batch,) = scene.claim.batches
        attempt = Attempt(scene.context, scene.journal, batch.rows[0].entry, is_last=True)
        await attempt.submit()
        schedule = attempt.begin_polling()

    assert schedule.first_wait_s > 1.2 * before


async def test_while_rows_wait_for_a_slot_polls_are_denser(tmp_path):
    async with open_scene(make_folder(tmp_path / "ledger"), FakeApi(), time_scale=1.0) as scene:
        (batch,) = scene.claim.batches
        attempt = Attempt(scene.context, scene.journal, batch.rows[0].entry, is_last=True)
        await attempt.submit()
        usual = attempt.begin_polling()
        async with asyncio.TaskGroup() as rows:
            for _ in range(101):
                rows.create_task(_hold(scene.context.slots))
            await asyncio.sleep(0)
            wanted = attempt.begin_polling()

    assert min(wanted.delays_s) < 0.5 * min(usual.delays_s)


async def _hold(slots) -> None:
    async with slots.taken(KLING.id):
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("prompt", ["a", "b", "c"])
async def test_the_same_row_always_has_the_same_schedule(tmp_path, prompt):
    async with open_scene(make_folder(tmp_path / "ledger"), FakeApi()) as scene:
        attempts = [Attempt(scene.context, scene.journal, make_entry(prompt), is_last=True) for _ in range(2)]
        first, second = (attempt.begin_polling() for attempt in attempts)

    assert first == second
