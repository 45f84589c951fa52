"""What a row needs next: its own model as often as allowed, then each fallback once, and when it is finished."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.planning.next_attempt import (
    JOB_FAILED,
    AttemptPolicy,
    following,
    last_word,
    model_sequence,
    next_entry,
    remaining_models,
)
from tests.factories import BATCH, NOW, OTHER_BATCH, completed, make_entry, make_row

KLING, VEO, RUNWAY = "fal/kling-2", "google/veo-3.1", "fal/runway-gen-4"
ROW = make_row(fallback=(VEO, RUNWAY))
TWICE = AttemptPolicy(max_attempts=2)

S = EntryStatus


def attempt(number: int, status: EntryStatus, code: str | None = None, model: str = KLING) -> LedgerEntry:
    return make_entry(attempt=number, status=status, error_code=code, model=model)


def failed(number: int, code: str = JOB_FAILED, model: str = KLING) -> LedgerEntry:
    return attempt(number, S.FAILED, code, model)


def left(*entries: LedgerEntry, policy: AttemptPolicy = TWICE) -> tuple[str, ...]:
    return remaining_models(ROW, entries, policy)


def test_a_rows_own_model_is_tried_first_and_then_each_fallback_once():
    assert model_sequence(ROW, TWICE) == (KLING, KLING, VEO, RUNWAY)
    assert left() == (KLING, KLING, VEO, RUNWAY)


def test_each_failed_job_moves_a_row_one_step_on():
    assert left(failed(1)) == (KLING, VEO, RUNWAY)
    assert left(failed(1), failed(2)) == (VEO, RUNWAY)
    assert left(failed(1), failed(2), failed(3, model=VEO)) == (RUNWAY,)
    assert left(failed(1), failed(2), failed(3, model=VEO), failed(4, model=RUNWAY)) == ()


def test_the_last_attempt_counts_in_whatever_order_entries_come():
    assert left(completed(attempt(2, S.PLANNED)), failed(1)) == ()


@pytest.mark.parametrize("code", ["content_filter", "invalid_request_error", "model_not_found"])
def test_a_failure_that_cannot_be_mended_by_trying_again_ends_the_row(code):
    assert left(failed(1, code)) == ()


def test_a_completed_row_is_finished():
    assert left(completed(attempt(1, S.PLANNED))) == ()
    assert left(completed(attempt(1, S.PLANNED)), policy=AttemptPolicy(2, retry_failed=True)) == ()


@pytest.mark.parametrize("status", [S.PLANNED, S.IN_DOUBT, S.PROCESSING, S.FAILED, S.ABANDONED])
@pytest.mark.parametrize("retry_failed", [False, True])
def test_a_row_that_was_bought_needs_nothing_whatever_else_its_books_say(status, retry_failed):
    entries = completed(attempt(1, S.PLANNED)), attempt(2, status, JOB_FAILED)

    assert left(*entries, policy=AttemptPolicy(2, retry_failed)) == ()
    assert last_word(entries) == entries[0]


@pytest.mark.parametrize("status", [S.PLANNED, S.IN_DOUBT, S.PENDING, S.PROCESSING])
def test_an_attempt_that_is_still_open_is_gone_on_with(status):
    assert left(attempt(1, status)) == (KLING, KLING, VEO, RUNWAY)
    assert left(failed(1), attempt(2, status)) == (KLING, VEO, RUNWAY)
    assert left(failed(1), failed(2), attempt(3, status, model=VEO)) == (VEO, RUNWAY)


def test_an_open_attempt_goes_on_with_its_own_model_whatever_the_csv_says_now():
    assert left(attempt(1, S.PROCESSING, model="fal/luma-ray-2"))[0] == "fal/luma-ray-2"


def test_a_planned_attempt_of_a_withdrawn_model_gives_way_to_the_row_s_own_models():
    withdrawn = replace(attempt(3, S.PLANNED), model="fal/withdrawn")

    assert left(failed(1), failed(2), withdrawn) == (VEO, RUNWAY)
    assert left(failed(1), failed(2), failed(3), failed(4), replace(withdrawn, attempt=5))[0] == KLING


def test_an_attempt_with_a_withdrawn_model_has_no_price():
    entry = following(failed(1), "fal/withdrawn", markup=Decimal("1.1"), now=NOW)

    assert (entry.model, entry.provider, entry.usd_per_second) == ("fal/withdrawn", "fal", None)


def test_finished_failures_get_a_new_round_only_when_asked_for():
    again = AttemptPolicy(2, retry_failed=True)
    used_up = (failed(1), failed(2), failed(3), failed(4))

    assert left(failed(1, "content_filter"), policy=again) == (KLING, KLING, VEO, RUNWAY)
    assert left(*used_up, policy=again) == (KLING, KLING, VEO, RUNWAY)
    assert left(failed(1), policy=again) == (KLING, VEO, RUNWAY)


def rounds(*batches: tuple[LedgerEntry, ...]) -> list[LedgerEntry]:
    """The entries of one row, each group made by a batch of its own."""
    made = [(entry, f"20261112T180000-{number:08x}") for number, batch in enumerate(batches) for entry in batch]
    return [replace(entry, attempt=n, batch_id=batch_id) for n, (entry, batch_id) in enumerate(made, start=1)]


ROUND = (failed(1),) * 4
AGAIN = AttemptPolicy(2, retry_failed=True)


@pytest.mark.parametrize("policy", [TWICE, AGAIN], ids=["run", "run --retry-failed"])
@pytest.mark.parametrize("before", [(), (ROUND,), (ROUND, ROUND), ((failed(1, "content_filter"),), ROUND)], ids=len)
@pytest.mark.parametrize("place", [1, 2, 3])
@pytest.mark.parametrize("is_cut", [False, True])
def test_a_round_that_was_interrupted_is_gone_through_to_its_end(policy, before, place, is_cut):
    present = tuple((failure,) for failure in ROUND[:place]) if is_cut else (ROUND[:place],)
    sequence = model_sequence(ROW, policy)

    assert left(*rounds(*before, *present), policy=policy) == sequence[place:]
    rendering = attempt(1, S.PROCESSING, model="fal/luma-ray-2")
    assert left(*rounds(*before, *present, (rendering,)), policy=policy) == ("fal/luma-ray-2", *sequence[place + 1 :])


def test_the_first_attempt_of_a_new_round_has_the_whole_round_before_it():
    for status in (S.PLANNED, S.IN_DOUBT, S.PROCESSING):
        assert left(*rounds(ROUND, (attempt(1, status),))) == (KLING, KLING, VEO, RUNWAY)
    assert left(*rounds(ROUND, (attempt(1, S.ABANDONED),))) == (KLING, KLING, VEO, RUNWAY)


@pytest.mark.parametrize("last", [(failed(1, "content_filter"),), (failed(1), failed(2, "content_filter")), ROUND])
def test_a_new_round_that_has_ended_ends_the_row(last):
    for before in (ROUND, (failed(1, "content_filter"),)):
        assert left(*rounds(before, last)) == ()
        assert left(*rounds(before, last), policy=AGAIN) == (KLING, KLING, VEO, RUNWAY)


def test_a_row_that_has_failed_stays_so_when_fewer_models_are_allowed():
    once = AttemptPolicy(max_attempts=1)

    assert left(*rounds(ROUND), policy=once) == ()
    assert remaining_models(replace(ROW, fallback=()), rounds(ROUND), once) == ()
    assert left(*rounds((*ROUND[:3], attempt(4, S.PROCESSING))), policy=once) == (KLING,)


def test_an_abandoned_row_is_free_for_a_new_attempt():
    assert left(attempt(1, S.ABANDONED)) == (KLING, KLING, VEO, RUNWAY)
    assert left(failed(1), attempt(2, S.ABANDONED)) == (KLING, VEO, RUNWAY)


@given(
    st.lists(st.sampled_from([S.FAILED, S.ABANDONED]), max_size=9),
    st.none() | st.sampled_from(list(S)),
    st.booleans(),
    st.integers(1, 3),
)
def test_whatever_happened_the_next_attempt_is_new_or_the_open_one(ended, last, retry_failed, max_attempts):
    policy = AttemptPolicy(max_attempts, retry_failed)
    statuses = [*ended, last] if last else ended
    entries = [attempt(number, status, JOB_FAILED) for number, status in enumerate(statuses, start=1)]
    models = remaining_models(ROW, entries, policy)
    if not models:
        assert statuses[-1] in (S.COMPLETED, S.FAILED)
        return

    entry = next_entry(ROW, entries, models[0], batch_id=OTHER_BATCH, flow_run_id=None, now=NOW)

    if statuses and (statuses[-1].is_open or statuses[-1] is S.PLANNED):
        assert entry == entries[-1]
    else:
        assert entry.key == (ROW.row_key, len(entries) + 1)
        assert (entry.status, entry.batch_id, entry.model) == (S.PLANNED, OTHER_BATCH, models[0])


def test_a_new_attempt_carries_the_rows_request_and_the_models_price():
    row = make_row(prompt_id="p-1", metadata={"client": "ACME"}, take=3)

    entry = next_entry(row, [], VEO, batch_id=BATCH, flow_run_id="run-1", now=NOW)

    assert (entry.row_key, entry.attempt, entry.take, entry.prompt_id) == (row.row_key, 1, 3, "p-1")
    assert (entry.model, entry.provider, entry.audio, entry.usd_per_second) == (VEO, "google", True, Decimal("0.40"))
    assert (entry.prompt, entry.duration_s, entry.aspect_ratio) == (row.prompt, 5, "16:9")
    assert (entry.metadata, entry.flow_run_id, entry.planned_at) == ({"client": "ACME"}, "run-1", NOW)


def test_the_attempt_after_a_failed_one_remembers_nothing_of_its_job():
    over = replace(
        completed(make_entry(worst_mxn=Decimal(42))),
        status=S.FAILED,
        charged_mxn=None,
        charged_usd=None,
        fx_mxn_per_usd=None,
        video_url=None,
        error_code=JOB_FAILED,
        error="fal status: ERROR",
        waited_s=60.0,
    )

    entry = following(over, VEO, markup=Decimal("1.1"), now=NOW)

    expected = make_entry(attempt=2, model=VEO, markup=Decimal("1.1"), worst_mxn=Decimal(42))
    assert entry == expected
