"""What was not written is not sent, not polled and not reported; a run that is stopped keeps every entry."""

import asyncio
import errno
import os

import pytest

from dailies.errors import FencedError, JournalError
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.journal import seal
from dailies.run.attempt import Attempt
from dailies.run.run_rows import PLAIN_STEPS, Steps
from dailies.run.stop import StopLevel
from tests.factories import (
    make_row,
    make_rows,
)
from tests.fake_api import FakeApi
from tests.run.scene import open_scene

S = EntryStatus


ROW = make_row("a")


AT_ONCE = {"give_up_after_s": 1e-6}


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


async def test_an_id_that_is_not_durable_is_never_polled(folder, monkeypatch):
    """The disk is full when the answer comes: the next run asks for it again, with the same key."""
    api = FakeApi()
    with monkeypatch.context() as patched:
        api.on_post = lambda _: patched.setattr(os, "fsync", full_disk)
        async with open_scene(folder, api) as scene:
            await scene.run()
    assert isinstance(scene.context.stop.reason, JournalError)
    assert (len(api.jobs), api.gets) == (1, [])
    assert [(entry.status, entry.job_id) for entry in scene.fold()] == [(S.IN_DOUBT, None)]

    api.on_post = lambda _: None
    async with open_scene(folder, api) as scene:
        await scene.run()

    assert (len(api.jobs), len(set(api.posts)), len(api.sold)) == (1, 1, 1)
    assert [entry.status for entry in scene.fold()] == [S.COMPLETED]


async def test_what_could_not_be_written_does_not_show_in_the_attempt(folder, monkeypatch):
    async with open_scene(folder, FakeApi()) as scene:
        attempt = Attempt(scene.context, scene.journal, scene.entries["a"], is_last=True)
        scene.api.on_post = lambda _: monkeypatch.setattr(os, "fsync", full_disk)
        with pytest.raises(JournalError):
            await attempt.submit()

    assert (attempt.entry.status, attempt.entry.job_id) == (S.IN_DOUBT, None)


async def test_nothing_is_sent_whose_intent_is_not_durable(folder, monkeypatch):
    async with open_scene(folder, FakeApi(), *make_rows("a", "b", "c")) as scene:
        monkeypatch.setattr(os, "fsync", full_disk)
        await scene.run()

    assert scene.api.posts == []
    assert scene.context.stop.level is StopLevel.EVERYTHING


async def test_a_poll_that_is_not_durable_is_not_sent(folder, monkeypatch):
    """So that a job which was given up without a poll on record was really never charged."""
    async with open_scene(folder, FakeApi()) as scene:

        async def submit_then_fill_the_disk(attempt: Attempt) -> LedgerEntry:
            entry = await attempt.submit()
            monkeypatch.setattr(os, "fsync", full_disk)
            return entry

        await scene.run(Steps(submit_then_fill_the_disk, PLAIN_STEPS.poll))

    assert scene.api.gets == []
    assert [(entry.status, entry.polls) for entry in scene.entries.values()] == [(S.PENDING, 0)]


async def test_a_run_whose_batch_was_taken_over_stops_and_starts_nothing_new(folder):
    api = FakeApi({"a": ["fails"]})
    async with open_scene(folder, api) as scene:
        api.on_get = lambda _: seal(scene.journal.path, "another run") and None
        await scene.run()

    assert isinstance(scene.context.stop.reason, FencedError)
    assert (len(api.posts), len(api.gets)) == (1, 1)


async def test_an_answer_that_comes_after_the_run_was_cancelled_is_journalled_and_not_polled(folder):
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def answer_late(_: str) -> None:
        arrived.set()
        await go_on.wait()

    api = FakeApi(on_post=answer_late)
    async with open_scene(folder, api) as scene:
        running = asyncio.create_task(scene.run())
        await arrived.wait()
        running.cancel()
        for _ in range(100):
            await asyncio.sleep(0)
        assert not running.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert scene.entries["a"].job_id == "job-1"  # a run does not end before its answers are on disk

    assert [(entry.status, entry.job_id) for entry in scene.fold()] == [(S.PENDING, "job-1")]
    assert api.gets == []


async def test_a_stop_from_outside_ends_the_run_with_every_entry_as_it_stands(folder):
    api = FakeApi({"a": ["hangs"], "b": ["hangs"]})
    async with open_scene(folder, api, *make_rows("a", "b", "c"), in_flight=2) as scene:
        api.on_get = lambda _: scene.context.stop.everything("the run was cancelled") if len(api.gets) > 5 else None
        await scene.run()
        polls = len(api.gets)

    assert sorted(entry.status for entry in scene.fold()) == [S.PLANNED, S.PROCESSING, S.PROCESSING]
    assert len(api.gets) == polls


async def test_a_run_does_not_end_before_everything_it_put_is_on_disk(folder, monkeypatch):
    async with open_scene(folder, FakeApi()) as scene:
        put = scene.journal.put

        async def stop_and_put(entry: LedgerEntry, *, final: bool = False) -> None:
            if entry.status is S.COMPLETED:
                scene.context.stop.everything("the run was cancelled")
            await put(entry, final=final)

        monkeypatch.setattr(scene.journal, "put", stop_and_put)
        await scene.run()

        assert scene.entries["a"].status is S.COMPLETED
