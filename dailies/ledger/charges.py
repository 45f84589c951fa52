"""The charge of a completed entry: booked when its job completes, or later, when the FX of that month is known."""

from dataclasses import replace
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.pricing import Tariff

DURATION_DIFFERS = "duration_differs"
MODEL_DIFFERS = "model_differs"
COMPLETED_DIFFERS = "completed_differs"
UNREADABLE = "unreadable_answer"
FINDINGS = frozenset((DURATION_DIFFERS, MODEL_DIFFERS, COMPLETED_DIFFERS, UNREADABLE))
"""Error codes of videos whose answer differs from the order: their charge is unknown, their worst case is reserved."""


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
