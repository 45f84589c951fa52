"""One attempt: the order of its effects, against a small service that reads our disk when we call it."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import httpx
import pytest

from dailies.errors import FencedError, JobPending, KeyRefusedError, LedgerError
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.journal import replay
from dailies.ledger.journal_fold import fold_dead
from dailies.pacing.poll_schedule import PollSchedule
from dailies.planning.claim import claim_rows
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
from tests.fake_api import ORGANISATION, FakeApi
from tests.run.scene import open_scene

S = EntryStatus
ROW = make_row("a")
AT_ONCE = {"give_up_after_s": 1e-6}


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
