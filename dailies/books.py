"""What is known before a plan is made: the ledger, the journals of the living and of the dead, together.

Journals are read before the ledger: an entry that is folded meanwhile is then seen twice, never missed.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from dailies.folder import LedgerFolder
from dailies.journal import JournalState, is_live, journal_paths, replay
from dailies.ledger import EntryStatus, LedgerEntry, from_table, merge_all
from dailies.pricing import ZERO, Tariff

_LONGER_THAN_A_MONTH = timedelta(days=32)
_OPEN = [status.value for status in EntryStatus if status.is_open] + [EntryStatus.ABANDONED.value]


@dataclass(frozen=True, slots=True)
class LiveRow:
    """A row that a living run works on: its last attempt as it stands, and what may still be charged for it."""

    entry: LedgerEntry
    batch_id: str
    reserved_mxn: Decimal


@dataclass(frozen=True, slots=True)
class Books:
    """The account as far as a plan needs it.

    Attributes:
        entries: every entry of the rows that were asked for, by row key.
        live: every row that a living run works on, by row key.
        charged_mxn: what was charged this month; where a charge is unknown, its worst case.
        reserved: what dead runs left open and may still be charged, by row key, in MXN.
        given_up_mxn: worst cases of abandoned jobs whose charge is unknown.
    """

    entries: dict[str, list[LedgerEntry]] = field(default_factory=dict)
    live: dict[str, LiveRow] = field(default_factory=dict)
    charged_mxn: Decimal = ZERO
    reserved: dict[str, Decimal] = field(default_factory=dict)
    given_up_mxn: Decimal = ZERO

    def reserved_beside(self, row_keys: Iterable[str]) -> Decimal:
        """What may still be charged for rows other than these, in MXN: others' runs and what dead ones left."""
        mine = set(row_keys)
        left = (mxn for key, mxn in self.reserved.items() if key not in mine and key not in self.live)
        living = (row.reserved_mxn for key, row in self.live.items() if key not in mine)
        return sum(left, sum(living, self.given_up_mxn))


def read_books(
    folder: LedgerFolder,
    row_keys: Iterable[str],
    tariff: Tariff,
    now: datetime,
    take_over: frozenset[str] = frozenset(),
) -> Books:
    """Read journals and ledger, in this order; changes nothing.

    ``take_over`` names batches that count as dead, however alive they look.

    Raises:
        LedgerError: a file is damaged or of an unknown version.
    """
    living, dead = _journals(folder, take_over)
    journalled = merge_all(*(state.entries.values() for state in (*living, *dead)))
    keys = set(row_keys)
    wanted = merge_all(_of_rows(folder, keys), (entry for entry in journalled.values() if entry.row_key in keys))
    recent = merge_all(_open_or_charged(folder, now), journalled.values())
    entries: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in wanted.values():
        entries[entry.row_key].append(entry)
    books = Books(dict(entries), _live_rows(living), _charged(recent.values(), tariff, now))
    return _with_reservations(books, recent.values())


def _journals(folder: LedgerFolder, take_over: frozenset[str]) -> tuple[list[JournalState], list[JournalState]]:
    living: list[JournalState] = []
    dead: list[JournalState] = []
    for path in journal_paths(folder.journals):
        alive = path.name not in take_over and is_live(path)
        try:
            state = replay(path)
        except FileNotFoundError:  # folded meanwhile: the ledger has it
            continue
        (living if alive and not state.sealed else dead).append(state)
    return living, dead


def _of_rows(folder: LedgerFolder, keys: set[str]) -> list[LedgerEntry]:
    return folder.entries(keys) if keys else []


def _open_or_charged(folder: LedgerFolder, now: datetime) -> list[LedgerEntry]:
    """Entries that are open, or completed so lately that it may have been this month; without their long texts."""
    status, completed_at = pc.field("status"), pc.field("completed_at")
    since = pa.scalar(now - _LONGER_THAN_A_MONTH, pa.timestamp("us", tz="UTC"))
    lately = completed_at.is_null() | (completed_at >= since)
    is_open = status.isin(pa.array(_OPEN))
    table = folder.scan(where=is_open | ((status == EntryStatus.COMPLETED.value) & lately))
    blank = pa.nulls(table.num_rows, pa.string())
    return from_table(table.set_column(table.schema.get_field_index("prompt"), table.schema.field("prompt"), blank))


def _live_rows(living: list[JournalState]) -> dict[str, LiveRow]:
    rows = {}
    for state in living:
        for entry in state.latest():
            over = entry.row_key in state.finished or entry.status is EntryStatus.COMPLETED
            reserved = ZERO if over else entry.worst_mxn or ZERO
            rows[entry.row_key] = LiveRow(entry, state.manifest.batch_id, reserved)
    return rows


def _charged(entries: Iterable[LedgerEntry], tariff: Tariff, now: datetime) -> Decimal:
    month = tariff.month(now)
    charges = (
        entry.worst_mxn or ZERO if entry.charged_mxn is None else entry.charged_mxn
        for entry in entries
        if entry.status is EntryStatus.COMPLETED
        and (entry.completed_at is None or tariff.month(entry.completed_at) == month)
    )
    return sum(charges, ZERO)


def _with_reservations(books: Books, entries: Iterable[LedgerEntry]) -> Books:
    given_up = ZERO
    for entry in entries:
        mxn = entry.reserved_mxn
        if mxn is None:
            continue
        if entry.status is EntryStatus.ABANDONED:
            given_up += mxn
        else:
            books.reserved[entry.row_key] = books.reserved.get(entry.row_key, ZERO) + mxn
    return Books(books.entries, books.live, books.charged_mxn, books.reserved, given_up)
