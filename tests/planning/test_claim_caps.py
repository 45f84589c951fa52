"""The caps of a claim: what counts against a run, a month and an approval."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from dailies.errors import RefusedError
from dailies.ledger.entry import EntryStatus
from dailies.planning.caps import Caps
from dailies.planning.claim import claim_rows, read_plan
from dailies.system.durable import create_file
from tests.factories import (
    KLING_5_S_MXN,
    NOW,
    completed,
    make_entry,
    make_file,
    make_row,
    make_tariff,
    make_terms,
)
from tests.planning.claims import ROWS, contents, prompts_of, rejected_row

S = EntryStatus


@pytest.mark.parametrize(
    "terms",
    [
        make_terms(Caps(max_cost_mxn=Decimal("12.59"))),
        make_terms(Caps(max_month_mxn=Decimal("12.59"))),
        make_terms(Caps(balance_mxn=Decimal("12.59"))),
        make_terms(approved_mxn=Decimal("12.59")),
        make_terms(tariff=make_tariff(fx={})),
    ],
    ids=["max_cost", "max_month", "balance", "approved", "no fx"],
)
def test_what_is_refused_leaves_no_trace(folder, terms):
    before = contents(folder)

    with pytest.raises(RefusedError):
        claim_rows(folder, make_file(*ROWS, rejected=(rejected_row(9),)), terms, NOW)

    assert contents(folder) == before


def test_a_claim_that_costs_less_than_was_approved_goes_on(folder):
    folder.put([completed(make_entry("a"))])

    claim = claim_rows(folder, make_file(*ROWS), make_terms(approved_mxn=Decimal("12.60")), NOW)

    assert claim.plan.worst_mxn == Decimal("8.40")
    claim.release()


def test_a_claim_that_would_cost_more_than_was_shown_is_refused(folder):
    shown = read_plan(folder, make_file(*ROWS[:1]), make_terms(), NOW).worst_mxn

    with pytest.raises(RefusedError, match=r"12\.60 MXN, more than the 4\.20"):
        claim_rows(folder, make_file(*ROWS), make_terms(approved_mxn=shown), NOW)


def test_fit_leaves_the_rest_as_planned_and_the_next_run_takes_it(folder):
    claim = claim_rows(folder, make_file(*ROWS), make_terms(Caps(max_cost_mxn=Decimal(9), fit=True)), NOW)
    assert [(entry.prompt, entry.status) for entry in folder.entries()] == [("c", "planned")]
    claim.release()

    again = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)

    assert prompts_of(again) == ["a", "b", "c"]
    assert {row.entry.attempt for batch in again.batches for row in batch.rows} == {1}
    again.release()


def test_the_months_cap_counts_charges_of_this_month_and_whatever_may_still_be_charged(folder):
    earlier = datetime(2026, 10, 31, tzinfo=UTC)
    folder.put(
        [
            completed(make_entry("this month")),
            completed(make_entry("charge unknown"), charged_mxn=None),
            completed(make_entry("last month"), completed_at=earlier),
            make_entry("a dead run's", status=S.PROCESSING, submitted_at=earlier),
            make_entry("given up after a poll", status=S.ABANDONED, polls=1),
            make_entry("given up before any", status=S.ABANDONED),
            make_entry("failed", status=S.FAILED),
            make_entry("left", status=S.PLANNED),
        ]
    )
    alive = claim_rows(folder, make_file(make_row("alive")), make_terms(), NOW)

    plan = read_plan(folder, make_file(*ROWS), make_terms(), NOW)

    assert plan.charged_month_mxn == 2 * KLING_5_S_MXN
    assert plan.open_mxn == 3 * KLING_5_S_MXN
    assert plan.worst_mxn == 3 * KLING_5_S_MXN
    with pytest.raises(RefusedError, match=r"33\.60"):
        read_plan(folder, make_file(*ROWS), make_terms(Caps(max_month_mxn=Decimal("33.59"))), NOW)
    alive.release()


@pytest.mark.parametrize("doubtful", [True, False])
def test_a_row_in_doubt_of_another_file_counts_against_every_cap(folder, doubtful):
    """A job may exist that is charged; where it is certain that none does, nothing is reserved."""
    status = S.IN_DOUBT if doubtful else S.PLANNED
    folder.put([make_entry("other", status=status, submitted_at=NOW)])
    for caps in (Caps(max_month_mxn=KLING_5_S_MXN), Caps(balance_mxn=KLING_5_S_MXN)):
        if doubtful:
            with pytest.raises(RefusedError, match=r"4\.20 (still possible|more)"):
                read_plan(folder, make_file(make_row("a")), make_terms(caps), NOW)
        else:
            assert read_plan(folder, make_file(make_row("a")), make_terms(caps), NOW).open_mxn == 0


def test_a_row_in_doubt_is_gone_on_with_by_the_next_run_under_the_same_key_and_attempt(folder):
    sent = make_entry("a", status=S.IN_DOUBT, submitted_at=NOW, submit_tries=3, error_code="no_answer")
    folder.put([sent])

    claim = claim_rows(folder, make_file(make_row("a")), make_terms(), NOW)
    claim.release()

    (row,) = claim.batches[0].rows
    assert (row.entry.key, row.entry.status, row.entry.submit_tries) == (sent.key, S.IN_DOUBT, 3)
    assert (claim.plan.resumed, row.entry.worst_mxn) == (1, KLING_5_S_MXN)


@pytest.mark.parametrize(("final", "reserved"), [(False, KLING_5_S_MXN), (True, 0)])
def test_a_failed_attempt_of_a_live_row_keeps_the_rows_reservation_until_the_row_has_ended(folder, final, reserved):
    """The same run will make its next attempt: another run must not spend what that may cost."""
    live = claim_rows(folder, make_file(make_row("a")), make_terms(), NOW)
    (batch,) = live.batches
    key = batch.rows[0].entry.row_key
    failed = (
        f'{{"kind":"entry","row_key":"{key}","attempt":1,"final":{str(final).lower()},"changes":'
        f'{{"status":"failed","error_code":"job_failed","job_id":"job-1"}}}}\n'
    )
    create_file(folder.journals / batch.batch_id / "000002.jsonl", failed.encode())

    assert read_plan(folder, make_file(make_row("b")), make_terms(), NOW).open_mxn == reserved
    live.release()


def test_a_charge_of_a_months_first_moment_counts_until_its_last_one(folder):
    first, last = datetime(2026, 1, 1, 6, tzinfo=UTC), datetime(2026, 2, 1, 5, 59, 59, 999_999, tzinfo=UTC)
    folder.put([completed(make_entry("bought"), completed_at=first)])
    terms = make_terms(tariff=make_tariff(fx={"*": Decimal(20)}))

    assert read_plan(folder, make_file(make_row("a")), terms, last).charged_month_mxn == KLING_5_S_MXN


def test_the_month_whose_cap_counts_is_that_in_which_the_lock_is_had(folder):
    """Called in November's last microsecond; to have the lock and to fold takes longer than that."""
    folder.put([completed(make_entry("bought"), completed_at=NOW)])
    terms = make_terms(Caps(max_month_mxn=KLING_5_S_MXN), tariff=make_tariff(fx={"*": Decimal(20)}))
    called_at = datetime(2026, 12, 1, 5, 59, 59, 999_999, tzinfo=UTC)
    with pytest.raises(RefusedError, match="max_month_mxn"):
        read_plan(folder, make_file(make_row("a")), terms, called_at)

    claim = claim_rows(folder, make_file(make_row("a")), terms, called_at)

    assert (len(claim.plan.todo), claim.plan.charged_month_mxn) == (1, 0)
    assert claim.batches[0].batch_id.startswith("20261201T0600")
    claim.release()


def test_what_a_living_run_has_finished_is_charged_and_no_longer_reserved(folder):
    alive = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)
    (batch,) = alive.batches
    entry = batch.rows[0].entry
    done = (
        f'{{"kind":"entry","row_key":"{entry.row_key}","attempt":1,"final":true,"changes":'
        f'{{"status":"completed","charged_mxn":"4.000000","completed_at":"{NOW.isoformat()}"}}}}\n'
    )
    create_file(folder.journals / batch.batch_id / "000002.jsonl", done.encode())

    plan = read_plan(folder, make_file(make_row("d")), make_terms(), NOW)

    assert (plan.charged_month_mxn, plan.open_mxn) == (4, 2 * KLING_5_S_MXN)
    alive.release()


def test_a_months_end_frees_the_cap_for_the_next_one_but_not_what_is_still_open(folder):
    folder.put([completed(make_entry("bought")), make_entry("open", status=S.PROCESSING)])
    terms = make_terms(Caps(max_month_mxn=Decimal("8.40")), tariff=make_tariff(fx={"*": Decimal(20)}))
    last, first = datetime(2026, 12, 1, 5, 59, 59, tzinfo=UTC), datetime(2026, 12, 1, 6, tzinfo=UTC)

    with pytest.raises(RefusedError):
        read_plan(folder, make_file(make_row("a")), terms, last)

    assert len(read_plan(folder, make_file(make_row("a")), terms, first).todo) == 1
