"""The caps: what a run, a month and the balance allow, and which of the rows to do fit into it. Pure."""

from dataclasses import dataclass
from decimal import Decimal

from dailies.errors import RefusedError
from dailies.ledger.manifest import ClaimedRow
from dailies.ledger.snapshot import Snapshot
from dailies.pricing import ZERO


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that may be spent, in MXN; None is no cap. ``fit`` takes rows in order until a cap is reached."""

    max_cost_mxn: Decimal | None = None
    max_month_mxn: Decimal | None = None
    balance_mxn: Decimal | None = None
    fit: bool = False


def within_caps(todo: list[ClaimedRow], books: Snapshot, caps: Caps) -> tuple[list[ClaimedRow], list[ClaimedRow]]:
    """Return the rows that the caps allow, and those that have to wait for a later run (only with ``fit``).

    A job that was ordered is collected whatever the caps say; if they do not allow its worst case, nothing more is
    ordered for its row.

    Raises:
        RefusedError: something would be ordered, and a cap is exceeded; names the figures and the remedy.
    """
    worst = sum((worst_of(row) for row in todo), ZERO)
    refusal = _exceeded(worst, books.reserved_beside(row.entry.row_key for row in todo), books, caps) if todo else None
    if refusal is None:
        return todo, []
    jobs = [row for row in todo if row.entry.status.has_job]
    if not caps.fit and len(jobs) < len(todo):
        raise RefusedError(refusal)
    keys = _fitting(todo, books, caps)
    if not keys.issuperset(row.entry.row_key for row in jobs):
        return [_only_collected(row) for row in jobs], [row for row in todo if not row.entry.status.has_job]
    return [row for row in todo if row.entry.row_key in keys], [row for row in todo if row.entry.row_key not in keys]


def _fitting(todo: list[ClaimedRow], books: Snapshot, caps: Caps) -> set[str]:
    """Return the keys of the first rows that fit. Rows with a job come first: they may be charged in any case."""
    worst, beside = ZERO, books.reserved_beside(())
    taken: set[str] = set()
    for row in sorted(todo, key=lambda row: not row.entry.status.has_job):
        worst += worst_of(row)
        beside -= books.reserved.get(row.entry.row_key, ZERO)  # now part of this run
        if _exceeded(worst, beside, books, caps):
            break
        taken.add(row.entry.row_key)
    return taken


def _only_collected(row: ClaimedRow) -> ClaimedRow:
    return ClaimedRow(row.entry, row.models[:1])


def worst_of(row: ClaimedRow) -> Decimal:
    """Return the most that a claimed row may cost, in MXN."""
    return row.entry.worst_mxn or ZERO


def _exceeded(worst: Decimal, beside: Decimal, books: Snapshot, caps: Caps) -> str | None:
    """Return which cap the claim would exceed, with the figures and the remedy; None if all hold."""
    if caps.max_cost_mxn is not None and worst > caps.max_cost_mxn:
        return (
            f"This run may cost up to {worst:,.2f} MXN, but max_cost_mxn is {caps.max_cost_mxn:,.2f}. Nothing was"
            " spent. Raise --max-cost-mxn, or take the first rows that fit with --fit."
        )
    month = books.charged_mxn + beside + worst
    if caps.max_month_mxn is not None and month > caps.max_month_mxn:
        return (
            f"This month may come to {month:,.2f} MXN ({books.charged_mxn:,.2f} charged, {beside:,.2f} still possible"
            f" for open rows, {worst:,.2f} for this run), but max_month_mxn is {caps.max_month_mxn:,.2f}. Nothing was"
            " spent. Raise --max-month-mxn, or take the first rows that fit with --fit."
        )
    beside -= books.given_up_mxn  # if an abandoned job was charged, that has left the balance already
    if caps.balance_mxn is not None and worst + beside > caps.balance_mxn:
        return (
            f"The balance is {caps.balance_mxn:,.2f} MXN, but this run may cost up to {worst:,.2f} and open rows"
            f" {beside:,.2f} more. Nothing was spent. Top up, or take the first rows that fit with --fit;"
            " `dailies settle` collects what is rendering."
        )
    return None
