"""Answers that differ from the order, or say less than they should: each is a finding, and the run goes on."""

import time
from dataclasses import replace
from decimal import Decimal

import pytest

from dailies.ledger.charges import FINDINGS, book_late
from dailies.ledger.entry import EntryStatus
from dailies.planning.claim import read_plan
from dailies.planning.next_attempt import AttemptPolicy
from dailies.planning.outcome import read_outcome
from tests.factories import KLING_5_S_MXN, NOW, make_entry, make_file, make_row, make_tariff, make_terms
from tests.fake_api import FakeApi, FakeJob
from tests.run.scene import open_scene

AT_ONCE = {"give_up_after_s": 1e-9}
S = EntryStatus
A, B, C = (make_row(prompt, source_line=line) for line, prompt in enumerate("abc", 2))
FORTY_DAYS_S = 40 * 86_400


@pytest.mark.parametrize(
    ("changes", "code", "words", "reserved_mxn"),
    [
        ({"duration": 8}, "duration_differs", "ordered 5 s, the service says 8 s", "6.72"),
        ({"duration": "8"}, "duration_differs", "says 8 s", "6.72"),
        ({"duration": 8.0}, "duration_differs", "says 8 s", "6.72"),
        ({"duration": 3}, "duration_differs", "says 3 s", "4.20"),
        ({"duration": 12}, "duration_differs", "makes 10 s at most", "8.40"),
        ({"duration": "long"}, "unreadable_answer", "duration is long", "4.20"),
        ({"model": "fal/luma-ray-2"}, "model_differs", "the service says fal/luma-ray-2", "4.20"),
        ({"completed": int(time.time()) - FORTY_DAYS_S}, "completed_differs", "was done at", "4.20"),
        ({"completed": int(time.time()) + FORTY_DAYS_S}, "completed_differs", "was done at", "4.20"),
    ],
)
async def test_what_differs_from_the_order_is_a_finding_with_an_unknown_charge(
    folder,
    changes,
    code,
    words,
    reserved_mxn,
):
    api = FakeApi(changes={"a": {"completed": int(time.time()), **changes}})
    async with open_scene(folder, api, A, B) as scene:
        await scene.run()

    found = {entry.prompt: entry for entry in scene.fold()}
    entry = found["a"]
    assert (entry.status, entry.charged_mxn, entry.error_code) == (S.COMPLETED, None, code)
    assert words in str(entry.error)
    assert entry.worst_mxn == Decimal(reserved_mxn)
    assert code in FINDINGS
    assert abs(entry.completed_at.timestamp() - time.time()) < 3600, "no other month's FX, and no way round the cap"
    assert found["b"].charged_mxn == KLING_5_S_MXN
    with folder.lock():
        assert book_late(folder, make_tariff(fx={"*": Decimal(20)})) == 0


async def test_a_longer_video_is_reserved_as_soon_as_the_service_names_it(folder):
    async with open_scene(folder, FakeApi({"a": ["hangs"]}, changes={"a": {"duration": 8}}), A, **AT_ONCE) as scene:
        await scene.run()

    (entry,) = scene.fold()
    assert (entry.status, entry.worst_mxn) == (S.PROCESSING, Decimal("6.72"))
    assert "says 8 s" in str(entry.error)
    assert read_plan(folder, make_file(B), make_terms(), scene.context.now()).open_mxn == Decimal("6.72")
    dearer = make_terms(tariff=make_tariff(fx={"*": Decimal(25)}))
    beside, resumed = (read_plan(folder, make_file(row), dearer, scene.context.now()) for row in (B, A))
    assert beside.open_mxn == resumed.worst_mxn == Decimal("8.40"), "8 s at the FX of a dearer month"


@pytest.mark.parametrize("change", [{"usd_per_second": Decimal("0.02")}, {"markup": Decimal("1.10")}, {}])
async def test_a_row_in_doubt_that_is_sent_again_at_another_price_has_an_unknown_charge(folder, change):
    """Its job may be older than the change, or not; the dearer price stays reserved in a later run, too."""
    dearer = {name: 3 * value for name, value in change.items()}
    with folder.lock():
        folder.put([replace(make_entry("a", status=S.IN_DOUBT, submitted_at=NOW, submit_tries=1), **dearer)])
    async with open_scene(folder, FakeApi({"a": ["hangs"]}), A, **AT_ONCE) as scene:
        await scene.run()
        reserved_mxn = scene.claim.plan.worst_mxn
    scene.fold()
    assert read_plan(folder, make_file(A), make_terms(), NOW).worst_mxn == reserved_mxn >= KLING_5_S_MXN

    async with open_scene(folder, FakeApi(), A) as scene:
        scene.api.jobs.update({"job-1": FakeJob("job-1", {"duration": 5}, "renders")})
        await scene.run()
    (entry,) = scene.fold()
    expected = (None, "price_changed") if change else (KLING_5_S_MXN, None)
    assert (entry.status, entry.charged_mxn, entry.error_code) == (S.COMPLETED, *expected)
    assert entry.worst_mxn == reserved_mxn


@pytest.mark.parametrize("word", ["expired", "cancelled", "succeeded", "COMPLETED"])
async def test_a_status_word_that_is_not_documented_stands_in_ledger_and_results(folder, word):
    api = FakeApi({"a": ["hangs"]}, changes={"a": {"status": word}})
    async with open_scene(folder, api, A, **AT_ONCE) as scene:
        await scene.run()
        (on_disk,) = scene.entries.values()

    assert (on_disk.status, on_disk.error_code) == (S.PROCESSING, "unknown_status")
    scene.fold()
    (row,) = read_outcome(folder, make_file(A), AttemptPolicy()).rows
    assert repr(word) in row.reason


async def test_a_404_on_every_poll_stands_in_ledger_and_results(folder):
    async with open_scene(folder, FakeApi({"a": ["vanishes"]}), A, **AT_ONCE) as scene:
        await scene.run()

    (entry,) = scene.fold()
    assert entry.status is S.PROCESSING
    (row,) = read_outcome(folder, make_file(A), AttemptPolicy()).rows
    assert "HTTP 404" in row.reason


async def test_what_was_strange_is_forgotten_when_the_job_goes_on(folder):
    api = FakeApi(changes={"a": {"status": "queued"}})
    api.on_get = lambda job_id: api.jobs[job_id].changes.clear() if len(api.gets) > 2 else None
    async with open_scene(folder, api, A) as scene:
        await scene.run()

    (entry,) = scene.fold()
    assert (entry.status, entry.error, entry.charged_mxn) == (S.COMPLETED, None, KLING_5_S_MXN)


async def test_one_job_for_three_rows_is_booked_once(folder):
    api = FakeApi(changes={prompt: {"id": "job-1"} for prompt in "abc"})
    async with open_scene(folder, api, A, B, C) as scene:
        await scene.run()

    statuses = [(entry.status, entry.error_code) for entry in scene.fold()]
    assert sorted(statuses) == sorted([(S.COMPLETED, None), *[(S.IN_DOUBT, "repeated_job_id")] * 2])


async def test_a_job_of_an_earlier_run_is_booked_once(folder):
    api = FakeApi(changes={"b": {"id": "job-1"}})
    for row in (A, B):
        async with open_scene(folder, api, row) as scene:
            await scene.run()
        found = {entry.prompt: (entry.status, entry.error_code) for entry in scene.fold()}

    assert found == {"a": (S.COMPLETED, None), "b": (S.IN_DOUBT, "repeated_job_id")}


async def test_a_409_after_a_doubtful_submit_leaves_the_row_in_doubt(folder):
    async with open_scene(folder, FakeApi({"a": ["unheard", 409]}), A) as scene:
        await scene.run()
    assert [(entry.status, entry.error_code) for entry in scene.fold()] == [(S.IN_DOUBT, "code_409")]

    async with open_scene(folder, FakeApi({"a": [409]}), A) as scene:
        await scene.run()
    assert [(entry.status, entry.error_code) for entry in scene.fold()] == [(S.IN_DOUBT, "code_409")]


async def test_a_refusal_without_doubt_ends_the_row(folder):
    async with open_scene(folder, FakeApi({"a": [409], "b": [400]}), A, B) as scene:
        await scene.run()
    assert {entry.status for entry in scene.fold()} == {S.FAILED}


@pytest.mark.parametrize("error", ["content filter: violence", {"code": "content_filter", "message": "no"}])
async def test_a_content_filter_is_never_tried_again_with_a_fallback(folder, error):
    """Whatever the fallback costs, and whether the service gives a code or words."""
    row = make_row("a", fallback=("fal/luma-ray-2", "fal/runway-gen-4"))
    api = FakeApi({"a": ["fails"]}, changes={"a": {"error": error}})
    async with open_scene(folder, api, row) as scene:
        await scene.run()

    assert [(entry.status, entry.error_code) for entry in scene.fold()] == [(S.FAILED, "content_filter")]
    assert len(api.posts) == 1
