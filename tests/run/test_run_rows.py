"""The rows of a batch together: jobs in flight, rows that an earlier run left open, what ends a batch."""

import asyncio
from dataclasses import replace

import pytest

from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.planning.claim import claim_rows
from dailies.run.attempt import Attempt
from dailies.run.run_rows import PLAIN_STEPS, Steps, run_rows
from tests.factories import (
    NOW,
    make_file,
    make_row,
    make_rows,
    make_terms,
)
from tests.fake_api import FakeApi
from tests.run.scene import open_scene

S = EntryStatus


ROW = make_row("a")


AT_ONCE = {"give_up_after_s": 1e-6}


async def test_no_more_jobs_are_in_flight_than_the_cap_allows(folder):
    rows = make_rows(*"abcdefghij")
    async with open_scene(folder, FakeApi({"c": ["fails", "renders"]}), *rows, in_flight=3) as scene:
        await scene.run()

    assert scene.api.most_open == 3
    assert scene.context.progress.completed == 10


@pytest.mark.parametrize(("status", "posts"), [(S.IN_DOUBT, 1), (S.PENDING, 0), (S.PROCESSING, 0)])
async def test_what_an_earlier_run_left_open_is_gone_on_with(folder, status, posts):
    api = FakeApi()
    async with open_scene(folder, api) as scene:
        await PLAIN_STEPS.submit(Attempt(scene.context, scene.journal, scene.entries["a"], is_last=False))
        await scene.journal.put(replace(scene.entries["a"], status=status, polls=int(status is S.PROCESSING)))
    scene.fold()
    api.posts.clear()

    async with open_scene(folder, api) as scene:
        await scene.run()

    (entry,) = scene.fold()
    assert (entry.status, entry.attempt, entry.job_id) == (S.COMPLETED, 1, "job-1")
    assert (len(api.posts), len(api.jobs)) == (posts, 1)


async def test_a_batch_has_handed_over_when_none_of_its_rows_waits_for_a_turn(folder):
    api = FakeApi({"a": ["hangs"], "b": ["hangs"]})
    async with open_scene(folder, api, *make_rows("a", "b")) as scene:
        submitted = asyncio.Event()
        (batch,) = scene.claim.batches
        running = asyncio.create_task(run_rows(scene.context, scene.journal, batch.rows, PLAIN_STEPS, submitted))
        await submitted.wait()
        assert (len(api.jobs), running.done()) == (2, False)
        for job in api.jobs.values():
            job.fate = "renders"
        await running


@pytest.mark.parametrize("fate", [400, 402, "unheard"])
async def test_a_batch_hands_over_however_its_rows_end(folder, fate):
    async with open_scene(folder, FakeApi({"a": [fate], "b": [fate]}), *make_rows("a", "b")) as scene:
        submitted = asyncio.Event()
        (batch,) = scene.claim.batches
        await run_rows(scene.context, scene.journal, batch.rows, PLAIN_STEPS, submitted)

    assert submitted.is_set()


async def test_a_defect_in_one_row_is_told_after_the_others_have_come_to_their_end(folder):
    async def stumble(attempt: Attempt) -> LedgerEntry:
        if attempt.entry.prompt == "b":
            raise ZeroDivisionError
        return await attempt.submit()

    async with open_scene(folder, FakeApi(), *make_rows("a", "b", "c")) as scene:
        with pytest.raises(ExceptionGroup, match="ended by a defect"):
            await scene.run(Steps(stumble, PLAIN_STEPS.poll))

    assert [entry.status for entry in scene.fold()] == [S.COMPLETED, S.PLANNED, S.COMPLETED]


async def test_a_second_attempt_is_not_begun_when_submitting_has_stopped(folder):
    api = FakeApi({"a": ["fails"]})
    async with open_scene(folder, api) as scene:
        api.on_get = lambda _: scene.context.stop.submits("the balance is empty")
        await scene.run()

    assert scene.attempts == [(1, "fal/kling-2", "failed")]
    (row,) = claim_rows(
        folder, make_file(ROW), make_terms(take_over=frozenset({scene.journal.path.name})), NOW
    ).plan.todo
    assert (row.entry.attempt, row.models) == (2, ("fal/kling-2",))
