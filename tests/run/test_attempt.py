"""Shooting: the order of effects, row by row, against a small service that looks at our disk when we call it."""

import asyncio
import errno
import os
import random
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import httpx
import pytest

from dailies.errors import FencedError, JobPending, JournalError, KeyRefusedError, LedgerError
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal import replay, seal
from dailies.ledger.journal_fold import fold_dead
from dailies.pacing.poll_schedule import PollSchedule
from dailies.planning.claim import claim_rows, read_plan
from dailies.planning.next_attempt import AttemptPolicy
from dailies.prompts.reader import PromptRow
from dailies.run.attempt import Attempt
from dailies.run.run_rows import PLAIN_STEPS, Steps, run_rows
from dailies.run.stop import StopLevel
from tests.factories import (
    KLING_5_S_MXN,
    NOW,
    make_file,
    make_folder,
    make_row,
    make_rows,
    make_terms,
)
from tests.fake_api import ORGANISATION, FakeApi, Fate
from tests.run.scene import Scene, open_scene

S = EntryStatus
ROW = make_row("a")
AT_ONCE = {"give_up_after_s": 1e-6}


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_row_is_submitted_polled_and_charged(folder):
    async with open_scene(folder, FakeApi()) as scene:
        await scene.run()

    (entry,) = scene.fold()
    assert (entry.status, entry.job_id, entry.charged_mxn) == (S.COMPLETED, "job-1", KLING_5_S_MXN)
    assert (entry.fx_mxn_per_usd, entry.charged_usd, entry.fx_source) == (20, Decimal("0.21"), "settings")
    assert (entry.polls, entry.submit_tries) == (2, 1)
    assert entry.video_url is not None
    assert entry.video_url.endswith("job-1/video.mp4")
    assert scene.context.progress.completed == 1
    assert scene.context.progress.charged_mxn == KLING_5_S_MXN


async def test_what_is_sent_is_what_was_claimed(folder):
    row = make_row("a", model="google/veo-3.1", duration_s=8, aspect_ratio="9:16")
    async with open_scene(folder, FakeApi(), row) as scene:
        await scene.run()

    assert scene.api.jobs["job-1"].body == {
        "model": "google/veo-3.1",
        "prompt": "a",
        "duration": 8,
        "aspect_ratio": "9:16",
    }
    assert scene.api.posts == [f"{folder.identity.ledger_id}:{row.row_key}:1"]


async def test_when_a_submit_arrives_its_intent_is_on_disk(folder):
    seen = []
    async with open_scene(folder, FakeApi(), *make_rows("a", "b", "c")) as scene:
        scene.api.on_post = lambda key: seen.append(
            next((e.status, e.submit_tries) for e in scene.entries.values() if e.row_key in key)
        )
        await scene.run()

    assert seen == [(S.IN_DOUBT, 1)] * 3


async def test_when_a_poll_arrives_the_jobs_id_and_its_first_poll_are_on_disk(folder):
    seen = []
    async with open_scene(folder, FakeApi(), *make_rows("a", "b", "c")) as scene:
        scene.api.on_get = lambda job_id: seen.append(
            next((e.status, e.polls > 0) for e in scene.entries.values() if e.job_id == job_id)
        )
        await scene.run()

    assert seen == [(S.PROCESSING, True)] * 6


async def test_a_failed_job_gets_a_second_attempt_and_then_the_fallback_models(folder):
    row = make_row("a", fallback=("google/veo-3.1", "fal/runway-gen-4"))
    async with open_scene(folder, FakeApi({"a": ["fails", "fails", "fails", "renders"]}), row) as scene:
        finished: list[set[str]] = []
        scene.api.on_post = lambda _: finished.append(replay(scene.journal.path).finished)
        await scene.run()

    assert finished == [set()] * 4  # in between, the row is not over: others still see its worst case reserved
    assert scene.attempts == [
        (1, "fal/kling-2", "failed"),
        (2, "fal/kling-2", "failed"),
        (3, "google/veo-3.1", "failed"),
        (4, "fal/runway-gen-4", "completed"),
    ]
    assert [key.rpartition(":")[2] for key in scene.api.posts] == ["1", "2", "3", "4"]
    assert [entry.charged_mxn for entry in scene.fold()] == [None, None, None, Decimal("5.25")]


async def test_a_row_whose_jobs_all_fail_is_finished_with_the_reason(folder):
    async with open_scene(folder, FakeApi({"a": ["fails"]})) as scene:
        await scene.run()

    assert scene.attempts == [(1, "fal/kling-2", "failed"), (2, "fal/kling-2", "failed")]
    assert replay(scene.journal.path).finished == {ROW.row_key}
    assert {(e.error_code, e.error, e.charged_mxn) for e in scene.fold()} == {("job_failed", "fal status: ERROR", None)}
    assert claim_rows(folder, make_file(ROW), make_terms(), NOW).batches == ()


async def test_a_job_that_fails_when_it_is_submitted_is_a_failed_job(folder):
    async with open_scene(folder, FakeApi({"a": ["fails at once", "renders"]})) as scene:
        await scene.run()

    assert [status for _, _, status in scene.attempts] == ["failed", "completed"]


@pytest.mark.parametrize("fate", ["filtered", 400, 404, 422])
async def test_what_can_never_succeed_ends_the_row_at_once(folder, fate):
    row = make_row("a", fallback=("google/veo-3.1",))
    async with open_scene(folder, FakeApi({"a": [fate]}), row) as scene:
        await scene.run()

    assert len(scene.api.posts) == 1
    (entry,) = scene.fold()
    assert entry.status is S.FAILED
    assert entry.error
    assert claim_rows(folder, make_file(row), make_terms(), NOW).batches == ()


async def test_a_content_filter_has_its_own_code(folder):
    async with open_scene(folder, FakeApi({"a": ["filtered"]})) as scene:
        await scene.run()

    assert scene.entries["a"].error_code == "content_filter"


async def test_a_lost_answer_is_asked_for_again_with_the_same_key(folder):
    async with open_scene(folder, FakeApi({"a": ["lost"]})) as scene:
        await scene.run()

    assert len(scene.api.posts) == 2
    assert len(set(scene.api.posts)) == 1
    (entry,) = scene.fold()
    assert (entry.status, entry.submit_tries, len(scene.api.jobs)) == (S.COMPLETED, 2, 1)


async def test_a_submit_that_is_never_answered_stays_in_doubt_and_is_repeated_by_the_next_run(folder):
    api = FakeApi({"a": ["unheard"]})
    async with open_scene(folder, api) as scene:
        await scene.run()
    (entry,) = scene.fold()
    assert (entry.status, entry.job_id, entry.error_code) == (S.IN_DOUBT, None, "no_answer")
    assert (len(api.posts), api.gets) == (5, [])

    api.fates["a"] = ["renders"]
    async with open_scene(folder, api) as scene:
        await scene.run()

    assert len(set(api.posts)) == 1
    assert [entry.status for entry in scene.fold()] == [S.COMPLETED]


async def test_a_row_in_doubt_stays_so_while_the_next_run_is_clearly_refused(folder):
    """That a second request was refused says nothing about the first one."""
    api = FakeApi({"a": ["unheard"]})
    for fate in ("unheard", 503):
        api.fates["a"] = [fate]
        async with open_scene(folder, api) as scene:
            await scene.run()
        assert [entry.status for entry in scene.fold()] == [S.IN_DOUBT]

    assert len(set(api.posts)) == 1


async def test_a_submit_in_doubt_that_is_to_be_held_is_sent_once_and_never_claimed(folder):
    hold = AttemptPolicy(hold_in_doubt=True)
    async with open_scene(folder, FakeApi({"a": ["lost"]}), policy=hold, repeat_in_doubt=False) as scene:
        await scene.run()
    scene.fold()

    claim = claim_rows(folder, make_file(ROW), make_terms(policy=hold), NOW)

    assert (len(scene.api.posts), scene.api.gets, claim.batches) == (1, [], ())
    assert [entry.status for entry in claim.plan.held] == [S.IN_DOUBT]


async def test_a_submit_that_was_clearly_refused_leaves_the_row_planned_with_the_reason(folder):
    folder.put([])
    async with open_scene(folder, FakeApi({"a": [503]})) as scene:
        await scene.run()

    (entry,) = scene.fold()
    assert (entry.status, entry.error_code, entry.submitted_at) == (S.PLANNED, "code_503", None)


async def test_the_reason_of_a_refused_submit_survives_that_the_row_was_planned_before(folder):
    """Two versions of the same rank meet in the ledger: the later one has tried more often."""
    async with open_scene(folder, FakeApi({"a": [503]})) as scene:
        pass
    scene.fold()

    async with open_scene(folder, FakeApi({"a": [503]})) as scene:
        await scene.run()

    (entry,) = scene.fold()
    assert (entry.status, entry.error_code) == (S.PLANNED, "code_503")


async def test_an_empty_balance_stops_submitting_and_what_renders_is_still_collected(folder):
    api = FakeApi({"a": ["hangs"], "b": [402]})

    def finish_the_first(key: str) -> None:
        if len(api.posts) == 2:
            api.jobs["job-1"].fate = "renders"

    api.on_post = finish_the_first
    async with open_scene(folder, api, *make_rows("a", "b", "c", "d"), in_flight=2) as scene:
        await scene.run()

    assert {prompt: str(entry.status) for prompt, entry in scene.entries.items()} == {
        "a": "completed",
        "b": "planned",
        "c": "planned",
        "d": "planned",
    }
    assert scene.entries["b"].error_code == "code_402"
    assert scene.context.stop.level is StopLevel.NO_SUBMITS
    assert len(api.posts) == 2


async def test_a_row_in_doubt_stays_in_doubt_when_the_balance_is_empty(folder):
    """Its first answer was lost, so a job may exist: what came later says nothing about it."""
    async with open_scene(folder, FakeApi({"a": ["unheard", 402]})) as scene:
        await scene.run()

    assert scene.entries["a"].status is S.IN_DOUBT


async def test_a_refused_key_stops_everything_at_once_and_loses_nothing(folder):
    async with open_scene(folder, FakeApi({"b": [401]}), *make_rows("a", "b", "c"), in_flight=1) as scene:
        await scene.run()

    assert isinstance(scene.context.stop.reason, KeyRefusedError)
    assert [str(entry.status) for entry in scene.fold()] == ["completed", "planned", "planned"]
    assert len(scene.api.posts) == 2


async def test_a_key_that_is_revoked_while_polling_stops_everything_and_the_next_run_goes_on(folder):
    api = FakeApi({"a": ["hangs"]})
    async with open_scene(folder, api) as scene:
        real_poll = FakeApi._poll

        async def revoked(self: FakeApi, job_id: str) -> httpx.Response:
            await real_poll(self, job_id)
            return httpx.Response(401, json={"error": {"message": "revoked", "code": "key_revoked"}})

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(FakeApi, "_poll", revoked)
            await scene.run()
    assert isinstance(scene.context.stop.reason, KeyRefusedError)
    assert [(entry.status, entry.job_id) for entry in scene.fold()] == [(S.PROCESSING, "job-1")]

    api.jobs["job-1"].fate = "renders"
    async with open_scene(folder, api) as scene:
        await scene.run()

    assert [entry.status for entry in scene.fold()] == [S.COMPLETED]
    assert len(api.posts) == 1


async def test_a_job_that_cannot_be_found_is_never_submitted_again(folder):
    api = FakeApi({"a": ["vanishes"]})
    for _ in range(3):
        async with open_scene(folder, api, **AT_ONCE) as scene:
            await scene.run()
        assert [(entry.status, entry.job_id) for entry in scene.fold()] == [(S.PROCESSING, "job-1")]

    assert len(api.posts) == 1
    assert len(api.gets) == 3


async def test_giving_up_waiting_leaves_the_row_processing_with_its_job(folder):
    api = FakeApi({"a": ["hangs"]})
    async with open_scene(folder, api, **AT_ONCE) as scene:
        await scene.run()
    (entry,) = scene.fold()
    assert (entry.status, entry.job_id, entry.polls, entry.charged_mxn) == (S.PROCESSING, "job-1", 1, None)

    api.jobs["job-1"].fate = "renders"
    async with open_scene(folder, api) as scene:
        await scene.run()

    (entry,) = scene.fold()
    assert (entry.status, entry.polls, len(api.posts)) == (S.COMPLETED, 2, 1)


async def test_polls_add_up_over_runs(folder):
    api = FakeApi({"a": ["hangs"]})
    for run in (1, 2, 3):
        async with open_scene(folder, api, **AT_ONCE) as scene:
            await scene.run()
        assert [entry.polls for entry in scene.fold()] == [run]


async def test_steps_that_run_out_of_patience_before_the_deadline_leave_the_row_processing(folder):
    """Prefect counts retries, not seconds: its last "not ready yet" is no failure either."""

    async def look_once(attempt: Attempt, _: PollSchedule) -> LedgerEntry:
        return await attempt.poll()

    async with open_scene(folder, FakeApi({"a": ["hangs"]})) as scene:
        await scene.run(Steps(PLAIN_STEPS.submit, look_once))

    assert [(entry.status, entry.job_id) for entry in scene.fold()] == [(S.PROCESSING, "job-1")]


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


async def test_the_organisation_is_learned_from_the_first_video(folder):
    async with open_scene(folder, FakeApi()) as scene:
        await scene.run()

    assert make_folder(folder.path).identity.organisation == ORGANISATION


async def test_a_key_of_another_organisation_stops_everything_but_what_it_bought_is_on_record(folder):
    folder.require_organisation("7f1f0c9e-0000-4000-8000-00000000000b")
    async with open_scene(folder, FakeApi(), *make_rows("a", "b"), in_flight=1) as scene:
        await scene.run()

    assert isinstance(scene.context.stop.reason, LedgerError)
    assert [(entry.prompt, entry.status) for entry in scene.fold()] == [("a", S.COMPLETED), ("b", S.PLANNED)]


async def test_the_price_is_that_of_the_entry_and_not_that_of_the_settings(folder):
    async with open_scene(folder, FakeApi(), markup=Decimal(2)) as scene:
        await scene.run()

    assert scene.entries["a"].charged_mxn == KLING_5_S_MXN


async def test_a_month_without_fx_gives_a_video_whose_charge_is_unknown(folder):
    async with open_scene(folder, FakeApi(), fx={"2026-10": Decimal(20)}) as scene:
        await scene.run()

    (entry,) = scene.fold()
    assert (entry.status, entry.charged_mxn, entry.fx_mxn_per_usd) == (S.COMPLETED, None, None)
    assert claim_rows(folder, make_file(ROW), make_terms(), NOW).plan.charged_month_mxn == KLING_5_S_MXN


async def test_a_video_of_another_duration_has_an_unknown_charge_and_says_so(folder):
    async with open_scene(folder, FakeApi({"a": ["shorter"]})) as scene:
        await scene.run()

    (entry,) = scene.fold()
    assert (entry.status, entry.charged_mxn, entry.error_code) == (S.COMPLETED, None, "duration_differs")


async def test_a_video_without_a_url_is_waited_for_and_then_recorded_as_charged(folder):
    async with open_scene(folder, FakeApi({"a": ["nowhere"]}), give_up_after_s=3000) as scene:
        await scene.run()

    (entry,) = scene.fold()
    assert (entry.status, entry.charged_mxn, entry.error_code) == (S.COMPLETED, KLING_5_S_MXN, "no_video_url")
    assert entry.polls > 2


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
    # What was sold is charged, or still reserved until a poll tells of it.
    for job in api.sold:
        entry = by_job[job.id]
        assert entry.charged_mxn == KLING_5_S_MXN or entry.reserved_mxn == KLING_5_S_MXN
    assert sum(entry.status is S.COMPLETED for entry in entries) <= len(api.sold)
    # No row disappears.
    (batch,) = run.claim.batches
    assert {row.entry.row_key for row in batch.rows} <= {entry.row_key for entry in entries}


async def test_a_fallback_that_was_withdrawn_is_never_sent(folder):
    api = FakeApi({"a": ["fails"]})
    async with open_scene(folder, api) as scene:
        (batch,) = scene.claim.batches
        row = replace(batch.rows[0], models=("fal/kling-2", "fal/withdrawn"))
        await run_rows(scene.context, scene.journal, [row], PLAIN_STEPS, asyncio.Event())

    failed, refused = sorted(scene.fold(), key=lambda entry: entry.attempt)
    assert (failed.status, refused.status, len(api.posts)) == (S.FAILED, S.FAILED, 1)
    assert (refused.model, refused.error_code, refused.submit_tries) == ("fal/withdrawn", "model_withdrawn", 0)
    assert "fal/withdrawn was withdrawn from the catalogue" in str(refused.error)


async def test_a_paused_owner_polls_no_job_that_was_given_up_meanwhile(folder):
    """Its batch was taken over and folded between two polls, and a person has given the job up."""
    async with open_scene(folder, FakeApi({"a": ["hangs"]})) as scene:

        async def poll_twice(attempt: Attempt, _: PollSchedule) -> LedgerEntry:
            with suppress(JobPending):
                await attempt.poll()
            with folder.lock():
                fold_dead(folder, "another run", frozenset([scene.journal.path.name]))
            return await attempt.poll()

        await scene.run(Steps(PLAIN_STEPS.submit, poll_twice))

    assert len(scene.api.gets) == 1
    assert isinstance(scene.context.stop.reason, FencedError)
