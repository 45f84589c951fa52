"""The plan: what each row needs, what it may cost at worst, and the caps."""

import functools
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.errors import RefusedError
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.snapshot import LiveRow, Snapshot
from dailies.planning.caps import Caps
from dailies.planning.next_attempt import JOB_FAILED, AttemptPolicy
from dailies.planning.plan import Plan, Stamp, make_plan
from dailies.pricing import ZERO
from dailies.prompts.reader import PromptRow
from tests.factories import (
    KLING_5_S_MXN,
    NOW,
    OTHER_BATCH,
    completed,
    make_entry,
    make_file,
    make_row,
    make_rows,
    make_tariff,
)

PROMPTS = ("a", "b", "c")
ROWS = make_rows(*PROMPTS)
S = EntryStatus


def make_books(*entries: LedgerEntry, **changes: Any) -> Snapshot:
    books: dict[str, list[LedgerEntry]] = {}
    for entry in entries:
        books.setdefault(entry.row_key, []).append(entry)
    reserved = {entry.row_key: entry.reserved_mxn for entry in entries if entry.reserved_mxn is not None}
    return Snapshot(entries=books, reserved=reserved, **changes)


def plan(
    *rows: PromptRow, books: Snapshot | None = None, caps: Caps | None = None, now: datetime = NOW, **changes: Any
) -> Plan:
    policy = AttemptPolicy(**{key: changes.pop(key) for key in ("hold_in_doubt", "retry_failed") if key in changes})
    stamp = Stamp(OTHER_BATCH, "run-2", now)
    return make_plan(
        make_file(*(rows or ROWS)), books or Snapshot(), make_tariff(**changes), policy, caps or Caps(), stamp
    )


def cap(**caps: Any) -> Caps:
    return Caps(**{name: Decimal(value) if isinstance(value, str) else value for name, value in caps.items()})


def prompts(planned: tuple[Any, ...]) -> list[str | None]:
    return [(row.entry if hasattr(row, "entry") else row).prompt for row in planned]


def test_new_rows_are_to_do_in_the_files_order_each_with_its_worst_case():
    made = plan(make_row("a"), make_row("b", fallback=("google/veo-3.1",)))

    assert prompts(made.todo) == ["a", "b"]
    assert [row.entry.worst_mxn for row in made.todo] == [KLING_5_S_MXN, Decimal(42)]
    assert made.worst_mxn == Decimal("46.20")
    assert made.todo[1].models == ("fal/kling-2", "fal/kling-2", "google/veo-3.1")


def test_rows_are_sorted_by_what_they_need():
    bought = completed(make_entry("a"))
    hopeless = make_entry("b", status=S.FAILED, error_code="content_filter")
    rendering = make_entry("c", status=S.PROCESSING, job_id="job-c", polls=1)
    doubtful = make_entry("d", status=S.IN_DOUBT)
    theirs = LiveRow(make_entry("e"), OTHER_BATCH, KLING_5_S_MXN)
    books = make_books(bought, hopeless, rendering, doubtful, live={theirs.entry.row_key: theirs})

    made = plan(*make_rows("a", "b", "c", "d", "e", "f"), books=books, hold_in_doubt=True)

    assert made.finished == (bought, hopeless)
    assert made.bought == (bought,)
    assert prompts(made.todo) == ["c", "f"]
    assert [replace(entry, worst_usd=None) for entry in made.held] == [doubtful]
    assert made.elsewhere == (theirs,)
    assert made.resumed == 1


def test_a_submit_in_doubt_is_repeated_unless_it_is_to_be_held():
    books = make_books(make_entry("a", status=S.IN_DOUBT, submit_tries=1))

    (row,) = plan(make_row("a"), books=books).todo

    assert (row.entry.attempt, row.entry.status) == (1, S.IN_DOUBT)


def test_a_row_that_goes_on_keeps_its_request_its_batch_and_the_price_it_was_sent_at():
    sent = make_entry(
        "a",
        status=S.PROCESSING,
        job_id="job-a",
        usd_per_second=Decimal("0.03"),
        markup=Decimal("1.02"),
        worst_mxn=Decimal("3.06"),
    )

    (row,) = plan(make_row("a"), books=make_books(sent), markup=Decimal("1.10")).todo

    assert replace(row.entry, worst_mxn=sent.worst_mxn, worst_usd=None) == sent
    assert row.entry.worst_mxn == Decimal("4.40")  # another attempt would be charged today's price


@pytest.mark.parametrize("status", [EntryStatus.IN_DOUBT, EntryStatus.PENDING, EntryStatus.PROCESSING])
def test_an_open_job_of_a_withdrawn_model_is_gone_on_with_at_its_own_price(status):
    withdrawn = replace(make_entry("a", status=status), model="fal/withdrawn", usd_per_second=Decimal("0.08"))

    planned = plan(make_row("a"), books=make_books(withdrawn))

    (row,) = planned.todo
    assert (row.entry.model, row.models[0]) == ("fal/withdrawn", "fal/withdrawn")
    assert planned.worst_mxn == 2 * KLING_5_S_MXN


def test_a_row_whose_planned_model_was_withdrawn_is_planned_with_its_own():
    withdrawn = replace(make_entry("a"), model="fal/withdrawn", usd_per_second=Decimal("0.08"))

    (row,) = plan(make_row("a"), books=make_books(withdrawn)).todo

    assert (row.entry.model, row.entry.worst_mxn) == ("fal/kling-2", KLING_5_S_MXN)
    assert set(row.models) == {"fal/kling-2"}


def test_a_row_that_was_sent_at_a_dearer_price_is_reserved_at_that_price():
    sent = make_entry("a", status=S.PENDING, usd_per_second=Decimal("0.05"), markup=Decimal("1.10"))

    (row,) = plan(make_row("a"), books=make_books(sent)).todo

    assert row.entry.worst_mxn == Decimal("5.50")


@pytest.mark.parametrize("status", [S.IN_DOUBT, S.PENDING, S.PROCESSING])
def test_a_row_that_was_sent_last_month_may_have_been_charged_at_that_months_fx(status):
    """Its first poll found it done, and the answer was lost."""
    sent_at, december = datetime(2026, 12, 1, 5, 50, tzinfo=UTC), datetime(2026, 12, 1, 12, tzinfo=UTC)
    sent = make_entry("a", status=status, submitted_at=sent_at)
    rates = {"2026-11": Decimal(20), "2026-12": Decimal(18)}

    (row,) = plan(make_row("a"), books=make_books(sent), now=december, fx=rates).todo
    (fresh,) = plan(make_row("b"), now=december, fx=rates).todo

    assert (row.entry.worst_mxn, fresh.entry.worst_mxn) == (KLING_5_S_MXN, Decimal("3.78"))
    capped = functools.partial(
        plan, make_row("a"), books=make_books(sent), now=december, fx=rates, caps=cap(max_cost_mxn="3.80")
    )
    if status.has_job:
        assert [len(row.models) for row in capped().todo] == [1], "it is collected, and nothing is ordered for its row"
    else:
        with pytest.raises(RefusedError, match=r"may cost up to 4\.20"):
            capped()


def test_a_row_that_was_planned_but_never_sent_gets_todays_price():
    earlier = make_entry("a", usd_per_second=Decimal("0.03"), markup=Decimal("1.02"), worst_mxn=Decimal("3.06"))

    (row,) = plan(make_row("a"), books=make_books(earlier)).todo

    assert (row.entry.usd_per_second, row.entry.markup) == (Decimal("0.04"), Decimal("1.05"))
    assert row.entry.worst_mxn == KLING_5_S_MXN


def test_finished_failures_come_back_only_with_retry_failed():
    books = make_books(make_entry("a", status=S.FAILED, error_code="content_filter"))

    assert plan(make_row("a"), books=books).todo == ()
    (row,) = plan(make_row("a"), books=books, retry_failed=True).todo
    assert (row.entry.attempt, row.entry.status) == (2, S.PLANNED)


def test_a_failed_job_of_an_earlier_run_leads_to_the_next_attempt():
    books = make_books(make_entry("a", status=S.FAILED, error_code=JOB_FAILED))

    (row,) = plan(make_row("a", fallback=("google/veo-3",)), books=books).todo

    assert (row.entry.attempt, row.models) == (2, ("fal/kling-2", "google/veo-3"))


def test_a_month_without_fx_is_refused_with_the_remedy():
    with pytest.raises(RefusedError, match=r"DAILIES_FX=2026-11="):
        plan(fx={"2026-10": Decimal(20)})


def test_a_month_without_fx_does_not_matter_where_nothing_is_left_to_do():
    made = plan(make_row("a"), books=make_books(completed(make_entry("a"))), fx={})

    assert len(made.finished) == 1


def test_the_month_ends_in_the_tariffs_time_zone():
    fx = {"2026-11": Decimal(20)}

    assert plan(fx=fx, now=datetime(2026, 12, 1, 5, 59, tzinfo=UTC)).todo
    with pytest.raises(RefusedError, match="No FX for 2026-12"):
        plan(fx=fx, now=datetime(2026, 12, 1, 6, tzinfo=UTC))


def test_a_row_that_may_complete_in_a_dearer_month_is_reckoned_with_its_fx():
    (row,) = plan(make_row("a"), fx={"2026-11": Decimal(20), "2026-12": Decimal(21)}).todo

    assert row.entry.worst_mxn == Decimal("4.41")


def test_a_cap_that_is_just_met_is_kept():
    assert len(plan(caps=cap(max_cost_mxn="12.60", max_month_mxn="12.60", balance_mxn="12.60")).todo) == 3


@pytest.mark.parametrize(
    ("caps", "figures"),
    [
        (cap(max_cost_mxn="12.599999"), ["12.60 MXN", "max_cost_mxn"]),
        (cap(max_month_mxn="12.599999"), ["0.00 charged", "max_month_mxn"]),
        (cap(balance_mxn="12.599999"), ["The balance is", "12.60"]),
        (cap(balance_mxn="0"), ["The balance is 0.00"]),
        (cap(balance_mxn="-5"), ["The balance is -5.00"]),
    ],
)
def test_beyond_a_cap_everything_is_refused_with_the_figures_and_the_remedy(caps, figures):
    with pytest.raises(RefusedError) as caught:
        plan(caps=caps)

    message = str(caught.value)
    assert all(figure in message for figure in [*figures, "Nothing was spent", "--fit"])


def test_the_months_cap_counts_charges_open_rows_of_dead_runs_live_rows_and_given_up_jobs():
    open_elsewhere = make_entry("of another file", status=S.PROCESSING)
    theirs = LiveRow(make_entry("live"), OTHER_BATCH, Decimal("4.20"))
    books = replace(
        make_books(open_elsewhere, live={theirs.entry.row_key: theirs}),
        charged_mxn=Decimal(10),
        given_up_mxn=Decimal(1),
    )

    made = plan(make_row("a"), books=books, caps=cap(max_month_mxn="23.60"))

    assert (made.worst_mxn, made.charged_month_mxn, made.open_mxn) == (Decimal("4.20"), 10, Decimal("9.40"))
    with pytest.raises(RefusedError, match=r"10.00 charged, 9.40 still possible for open rows, 4.20 for this run"):
        plan(make_row("a"), books=books, caps=cap(max_month_mxn="23.59"))


def test_a_row_that_is_taken_over_is_counted_once():
    books = make_books(make_entry("a", status=S.PROCESSING))

    made = plan(make_row("a"), books=books, caps=cap(max_cost_mxn="4.20", max_month_mxn="4.20", balance_mxn="4.20"))

    assert (made.worst_mxn, made.open_mxn) == (KLING_5_S_MXN, ZERO)


def test_a_live_row_of_this_file_counts_as_open_and_not_as_this_runs():
    theirs = LiveRow(make_entry("a", status=S.PENDING), OTHER_BATCH, KLING_5_S_MXN)
    books = make_books(theirs.entry, live={theirs.entry.row_key: theirs})

    made = plan(make_row("a"), make_row("b"), books=books, caps=cap(max_month_mxn="8.40"))

    assert (prompts(made.todo), made.worst_mxn, made.open_mxn) == (["b"], KLING_5_S_MXN, KLING_5_S_MXN)


def test_a_finished_file_is_never_refused_for_its_caps():
    books = replace(make_books(completed(make_entry("a"))), charged_mxn=Decimal(1000))

    assert plan(make_row("a"), books=books, caps=cap(max_month_mxn="1", balance_mxn="0")).todo == ()


def test_fit_takes_rows_in_order_and_leaves_the_rest():
    made = plan(caps=cap(max_cost_mxn="8.40", fit=True))

    assert (prompts(made.todo), prompts(made.left)) == (["a", "b"], ["c"])
    assert made.worst_mxn == Decimal("8.40")


def test_fit_does_not_pick_cheaper_rows_from_behind_a_dear_one():
    rows = (make_row("a"), make_row("b", model="google/veo-3.1"), make_row("c"))

    made = plan(*rows, caps=cap(max_cost_mxn="10", fit=True))

    assert (prompts(made.todo), prompts(made.left)) == (["a"], ["b", "c"])


def test_fit_may_leave_everything():
    made = plan(caps=cap(balance_mxn="-1", fit=True))

    assert (made.todo, len(made.left), made.worst_mxn) == ((), 3, ZERO)


def test_fit_counts_an_open_row_that_it_takes_once():
    books = make_books(make_entry("a", status=S.PROCESSING))

    made = plan(books=books, caps=cap(max_month_mxn="8.40", fit=True))

    assert (prompts(made.todo), prompts(made.left)) == (["a", "b"], ["c"])
    assert made.open_mxn == ZERO


def test_fit_takes_open_jobs_before_new_rows():
    books = make_books(make_entry("c", status=S.PROCESSING))

    made = plan(books=books, caps=cap(max_month_mxn="8.40", fit=True))

    assert (prompts(made.todo), prompts(made.left)) == (["a", "c"], ["b"])
    assert made.open_mxn == ZERO


kinds = st.sampled_from(["new", "planned", "in_doubt", "processing", "bought", "failed", "live"])
models = st.sampled_from(["fal/kling-2", "google/veo-3.1", "fal/luma-ray-2"])
amounts = st.none() | st.decimals("-50", "300", places=2)


@given(st.lists(st.tuples(kinds, models), max_size=6), kinds, amounts, amounts, amounts, st.booleans(), st.data())
def test_no_plan_ever_passes_a_cap_and_no_row_disappears(wanted, other, max_cost, max_month, balance, fit, data):
    rows = tuple(make_row(str(line), source_line=line, model=model) for line, (_, model) in enumerate(wanted, start=2))
    kinds_of_rows = [*zip(rows, (kind for kind, _ in wanted), strict=True), (make_row("elsewhere"), other)]
    entries, live = [], {}
    for row, kind in kinds_of_rows:
        entry = make_entry(row.prompt, model=row.model, worst_mxn=Decimal(50), row_key=row.row_key)
        match kind:
            case "live":
                live[row.row_key] = LiveRow(entry, OTHER_BATCH, Decimal(50))
            case "bought":
                entries.append(completed(entry))
            case "failed":
                entries.append(replace(entry, status=S.FAILED, error_code="content_filter"))
            case "planned" | "in_doubt" | "processing":
                entries.append(replace(entry, status=EntryStatus(kind)))
    charged = data.draw(st.decimals("0", "100", places=2))
    books = replace(make_books(*entries), live=live, charged_mxn=charged)

    try:
        made = plan(*rows, books=books, caps=Caps(max_cost, max_month, balance, fit)) if rows else None
    except RefusedError:
        assert not fit
        return
    if made is None:
        return

    assert len(made.todo) + len(made.left) + len(made.finished) + len(made.elsewhere) == len(rows)
    if any(not row.entry.status.has_job or len(row.models) > 1 for row in made.todo):  # something may be ordered
        possible = made.worst_mxn + made.open_mxn
        assert max_cost is None or made.worst_mxn <= max_cost
        assert max_month is None or charged + possible <= max_month
        assert balance is None or possible <= balance
    taken = {row.entry.row_key for row in made.todo}
    beside = sum((e.reserved_mxn or ZERO for e in entries if e.row_key not in taken), ZERO) + 50 * len(live)
    assert made.open_mxn == beside
