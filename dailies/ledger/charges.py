"""What an entry is charged, and what it may still be charged."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_UP, Decimal

import pyarrow as pa
import pyarrow.compute as pc

from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.pricing import ZERO, Tariff, quantize

DURATION_DIFFERS = "duration_differs"
MODEL_DIFFERS = "model_differs"
COMPLETED_DIFFERS = "completed_differs"
UNREADABLE = "unreadable_answer"
PRICE_CHANGED = "price_changed"
FINDINGS = frozenset((DURATION_DIFFERS, MODEL_DIFFERS, COMPLETED_DIFFERS, UNREADABLE, PRICE_CHANGED))
"""Error codes of videos whose answer differs from the order, or whose price is not known: their charge is unknown,
their worst case is reserved."""


def with_charge(entry: LedgerEntry, tariff: Tariff, completed_at: datetime) -> LedgerEntry:
    """Return the entry with its charge and the charge's factors; unchanged if the FX or a factor is unknown."""
    if entry.error_code in FINDINGS or entry.usd_per_second is None or entry.markup is None:
        return entry
    charge = tariff.charge(entry.usd_per_second, entry.duration_s or 0, entry.markup, completed_at)
    if charge is None:
        return entry
    return replace(
        entry,
        charged_mxn=charge.mxn,
        charged_usd=charge.usd,
        fx_mxn_per_usd=charge.fx_mxn_per_usd,
        fx_source=charge.fx_source,
    )


def book_late(folder: LedgerFolder, tariff: Tariff) -> int:
    """Book the charges of videos that completed in a month whose FX was unknown then. Hold the ledger's lock.

    Returns:
        The number of charges that were booked.

    Raises:
        LedgerError: the ledger cannot be read or written.
    """
    completed = pc.field("status") == pa.scalar(EntryStatus.COMPLETED.value)
    unknown = folder.find(completed & pc.field("charged_mxn").is_null() & pc.field("completed_at").is_valid())
    known = [with_charge(entry, tariff, entry.completed_at) for entry in unknown if entry.completed_at is not None]
    booked = [entry for entry in known if entry.charged_mxn is not None]
    folder.put(booked)
    return len(booked)


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
