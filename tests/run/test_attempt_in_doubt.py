"""A submit whose answer was lost: it is repeated with the same key, or held, and never forgotten."""

from dailies.ledger.entry import EntryStatus
from dailies.planning.claim import claim_rows
from dailies.planning.next_attempt import AttemptPolicy
from tests.factories import (
    NOW,
    make_file,
    make_row,
    make_terms,
)
from tests.fake_api import FakeApi
from tests.run.scene import open_scene

S = EntryStatus


ROW = make_row("a")


AT_ONCE = {"give_up_after_s": 1e-6}


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
