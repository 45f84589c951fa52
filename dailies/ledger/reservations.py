"""What an attempt may still be charged: its reservation. Pure."""

from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_UP, Decimal

from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.pricing import ZERO, Tariff, quantize


def worst_now(entry: LedgerEntry, tariff: Tariff, instants: Iterable[datetime]) -> Decimal:
    """Return the most that an attempt may cost, in MXN: the dearer of its price when it was claimed, and today's.

    A job is charged at the FX of the month in which it completes, which may be dearer than was known at its claim.

    Args:
        entry: the attempt; without a worst case in USD (an older ledger), the stored one in MXN counts.
        tariff: the FX that is known now.
        instants: the present, by each clock that may be right.
    """
    worst = entry.worst_mxn or ZERO
    if entry.worst_usd is None:
        return worst
    known = (tariff.worst_fx(now, entry.submitted_at) for now in instants)
    return max((worst, *(quantize(entry.worst_usd * fx, ROUND_UP) for fx in known if fx is not None)))


def could_be_charged_in(entry: LedgerEntry, tariff: Tariff, month: str) -> bool:
    """Return whether the charge of an abandoned attempt, if there is one, may belong to a month (``2026-11``).

    Only a poll takes a charge, so it happened between the submit and the time when the job was given up. Without that
    time (an older ledger), every later month counts.
    """
    first = entry.submitted_at or entry.planned_at
    if first is not None and month < tariff.month(first):
        return False
    return entry.completed_at is None or month <= tariff.month(entry.completed_at)


def may_be_charged(entry: LedgerEntry) -> bool:
    """Return whether an attempt may be charged, or may have been by a poll whose answer was lost."""
    return entry.status.is_open or (entry.status is EntryStatus.ABANDONED and entry.polls > 0)
