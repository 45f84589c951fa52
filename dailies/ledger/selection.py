"""Select entries of a ledger by months, batches or files of prompts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from dailies.errors import InputError, RowError
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.pricing import Tariff

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Selection:
    """The entries to select; an empty attribute selects all.

    Attributes:
        months: such as ``2026-11``, in the tariff's time zone: when a job completed, else was submitted or planned.
        batches: ids of batches.
        sources: files of prompts, as the user named them.
        row_keys: rows.
    """

    months: frozenset[str] = frozenset()
    batches: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    row_keys: frozenset[str] = frozenset()

    def of(self, entries: Iterable[LedgerEntry], tariff: Tariff) -> Iterator[LedgerEntry]:
        """Return the selected entries, in their order."""
        return (entry for entry in entries if self._takes(entry, tariff))

    def _takes(self, entry: LedgerEntry, tariff: Tariff) -> bool:
        moment = _moment(entry)
        return (
            (not self.months or (moment is not None and tariff.month(moment) in self.months))
            and (not self.batches or entry.batch_id in self.batches)
            and (not self.sources or entry.source in self.sources)
            and (not self.row_keys or entry.row_key in self.row_keys)
        )

    def __str__(self) -> str:
        named = (("month", self.months), ("batch", self.batches), ("source", self.sources))
        parts = [f"{word} {', '.join(sorted(values))}" for word, values in named if values]
        return " · ".join(parts) or ("some rows" if self.row_keys else "the whole ledger")


def select_entries(folder: LedgerFolder, selection: Selection, tariff: Tariff) -> list[LedgerEntry]:
    """Read the selected entries of a ledger, oldest batch first.

    Raises:
        InputError: there are none; names what there is.
        LedgerError: a file of the ledger cannot be read.
    """
    entries = folder.entries(selection.row_keys or None)
    selected = list(selection.of(entries, tariff))
    if not selected:
        there = ", ".join(_there_is(entries, selection, tariff))
        remedy = f"it has {there}" if there else "run a file of prompts first: dailies run prompts.csv"
        raise InputError((RowError(str(folder.path), None, None, f"the ledger has no rows of {selection}", remedy),))
    return selected


def _there_is(entries: Iterable[LedgerEntry], selection: Selection, tariff: Tariff) -> list[str]:
    """Return the latest months, batches or sources that can be named instead."""
    if selection.months:
        return sorted({tariff.month(moment) for entry in entries if (moment := _moment(entry)) is not None})[-_SHOWN:]
    return sorted({entry.batch_id if selection.batches else entry.source for entry in entries})[-_SHOWN:]


def _moment(entry: LedgerEntry) -> datetime | None:
    return entry.completed_at or entry.submitted_at or entry.planned_at


def finished(entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
    """Return the entries that have a video."""
    return [entry for entry in entries if entry.status is EntryStatus.COMPLETED and entry.job_id and entry.video_url]
