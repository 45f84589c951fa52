"""What is known before a plan is made: the ledger, the journals of the living and of the dead, together.

Journals are read before the ledger: an entry that is folded meanwhile is then seen twice, never missed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal import JournalState, is_live, journal_paths, replay
from dailies.ledger.merge import merge_all
from dailies.ledger.schema import from_table
from dailies.pricing import ZERO, Tariff

_INSTANT = pa.timestamp("us", tz="UTC")
_BRIEF = (
    *(
        "row_key",
        "attempt",
        "take",
        "prompt_id",
        "prompt",
        "source",
        "source_line",
        "batch_id",
        "model",
        "duration_s",
        "job_id",
    ),
    *("status", "video_url", "error_code", "error", "charged_mxn", "completed_at", "polls"),
)
_COSTS = ("charged_mxn", "worst_mxn")
_OPEN = [status.value for status in EntryStatus if status.is_open] + [EntryStatus.ABANDONED.value]


@dataclass(frozen=True, slots=True)
class LiveRow:
    """A row that a living run works on: its last attempt as it stands, and what may still be charged for it."""

    entry: LedgerEntry
    batch_id: str
    reserved_mxn: Decimal


@dataclass(frozen=True, slots=True)
class Rows:
    """How some rows stand.

    Attributes:
        entries: every entry of the rows that were asked for, by row key.
        live: every row that a living run works on, by row key.
    """

    entries: dict[str, list[LedgerEntry]] = field(default_factory=dict)
    live: dict[str, LiveRow] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BookedCharges:
    """What was charged ever: the sum of what is known, and the worst cases of what is not, in MXN."""

    known_mxn: Decimal = ZERO
    unknown_mxn: Decimal = ZERO

    def since(self, earlier: "BookedCharges") -> Decimal:
        """The most that came to it since; a charge that only became known counts, too."""
        return self.known_mxn - earlier.known_mxn + max(ZERO, self.unknown_mxn - earlier.unknown_mxn)


@dataclass(frozen=True, slots=True)
class Snapshot(Rows):
    """The account as far as a plan needs it: the rows, and the month.

    Attributes:
        charged_mxn: what was charged this month; where a charge is unknown, its worst case.
        reserved: what dead runs left open and may still be charged, by row key, in MXN.
        given_up_mxn: worst cases of abandoned jobs whose charge is unknown.
        booked: what was charged ever.
    """

    charged_mxn: Decimal = ZERO
    reserved: dict[str, Decimal] = field(default_factory=dict)
    given_up_mxn: Decimal = ZERO
    booked: BookedCharges = BookedCharges()

    def reserved_beside(self, row_keys: Iterable[str]) -> Decimal:
        """What may still be charged for rows other than these, in MXN: others' runs and what dead ones left."""
        mine = set(row_keys)
        left = (mxn for key, mxn in self.reserved.items() if key not in mine and key not in self.live)
        living = (row.reserved_mxn for key, row in self.live.items() if key not in mine)
        return sum(left, sum(living, self.given_up_mxn))


def read_snapshot(
    folder: LedgerFolder,
    row_keys: Iterable[str],
    tariff: Tariff,
    now: datetime,
    take_over: frozenset[str] = frozenset(),
    *,
    brief: bool = False,
    folded: bool = False,
) -> Snapshot:
    """Read journals and ledger, in this order; changes nothing.

    Args:
        folder: the ledger.
        row_keys: the rows whose entries are wanted.
        tariff: tells when a month begins.
        now: in the month whose charges count.
        take_over: batches that count as dead, however alive they look.
        brief: leave out of bought rows what no plan needs, such as their prices.
        folded: what dead runs left was folded under the lock that is held, so every other journal is somebody else's.

    Raises:
        LedgerError: a file is damaged or of an unknown version.
    """
    journals = _journals(folder, take_over, folded=folded)
    rows = _rows(folder, journals, set(row_keys), brief=brief)
    known, charged_mxn = _recent(folder, tariff, now, journals.entries.values())
    recent = merge_all(known, journals.entries.values())
    charged_mxn += _charged(recent.values(), tariff, now)
    reserved, given_up_mxn = _reservations(recent.values())
    return Snapshot(rows.entries, rows.live, charged_mxn, reserved, given_up_mxn, _booked(folder, journals.entries))


def read_rows(folder: LedgerFolder, row_keys: Iterable[str], *, folded: bool = False) -> Rows:
    """The rows alone, from journals and ledger, in this order; changes nothing. ``folded`` as in ``read_snapshot``.

    Raises:
        LedgerError: a file is damaged or of an unknown version.
    """
    return _rows(folder, _journals(folder, frozenset(), folded=folded), set(row_keys), brief=False)


def read_booked(folder: LedgerFolder) -> BookedCharges:
    """What was charged ever, as far as it is booked.

    Raises:
        LedgerError: a file is damaged or of an unknown version.
    """
    return _booked(folder, _journals(folder, frozenset(), folded=False).entries)


@dataclass(frozen=True, slots=True)
class _Journals:
    living: list[JournalState]
    dead: list[JournalState]
    entries: dict[tuple[str, int], LedgerEntry]


def _journals(folder: LedgerFolder, take_over: frozenset[str], *, folded: bool) -> _Journals:
    living: list[JournalState] = []
    dead: list[JournalState] = []
    for path in journal_paths(folder.journals):
        # A run that dies after the fold leaves a journal without a seal, which a late child may still own.
        alive = folded or (path.name not in take_over and is_live(path))
        try:
            state = replay(path)
        except FileNotFoundError:  # folded meanwhile: the ledger has it
            continue
        (living if alive and not state.sealed else dead).append(state)
    return _Journals(living, dead, merge_all(*(state.entries.values() for state in (*living, *dead))))


def _rows(folder: LedgerFolder, journals: _Journals, keys: set[str], *, brief: bool) -> Rows:
    journalled = (entry for entry in journals.entries.values() if entry.row_key in keys)
    entries: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in merge_all(_of_rows(folder, keys, brief=brief), journalled).values():
        entries[entry.row_key].append(entry)
    return Rows(dict(entries), _live_rows(journals.living))


def _of_rows(folder: LedgerFolder, keys: set[str], *, brief: bool) -> list[LedgerEntry]:
    if not brief or not keys:
        return folder.entries(keys) if keys else []
    known = list(folder.find(pc.field("row_key").isin(pa.array(list(keys), pa.string())), _BRIEF))
    unfinished = {entry.row_key for entry in known if entry.status is not EntryStatus.COMPLETED}
    if not unfinished:
        return known
    return [*(entry for entry in known if entry.row_key not in unfinished), *folder.entries(unfinished)]


def _recent(
    folder: LedgerFolder, tariff: Tariff, now: datetime, journalled: Iterable[LedgerEntry]
) -> tuple[list[LedgerEntry], Decimal]:
    """The ledger's open and journalled entries; and what its others were charged this month, added up by Arrow.

    A journal may know better than the ledger, so what it holds is looked at one by one.
    """
    rows = pa.array({entry.row_key for entry in journalled}, pa.string())
    status, begin, end = pc.field("status"), *(pa.scalar(at, _INSTANT) for at in tariff.month_bounds(now))
    completed_at = pc.field("completed_at")
    this_month = completed_at.is_null() | ((completed_at >= begin) & (completed_at < end))
    charged = (status == EntryStatus.COMPLETED.value) & this_month
    one_by_one = status.isin(pa.array(_OPEN)) | (charged & pc.field("row_key").isin(rows))
    sums = folder.scan(["row_key", "status", *_COSTS], charged | one_by_one)
    single = pc.or_(pc.is_in(sums["status"], pa.array(_OPEN)), pc.is_in(sums["row_key"], rows))
    rest = sums.filter(pc.invert(single))
    return (from_table(folder.scan(where=one_by_one)) if rest.num_rows < sums.num_rows else []), _cost_of(rest)


def _booked(folder: LedgerFolder, journalled: Mapping[tuple[str, int], LedgerEntry]) -> BookedCharges:
    bought = pc.field("status") == EntryStatus.COMPLETED.value
    if not journalled:
        return _charges(folder.scan(_COSTS, bought), ())
    in_journals = pc.field("row_key").isin(pa.array({row_key for row_key, _ in journalled}, pa.string()))
    known = merge_all(from_table(folder.scan(where=bought & in_journals)), journalled.values())
    entries = [entry for entry in known.values() if entry.status is EntryStatus.COMPLETED]
    return _charges(folder.scan(_COSTS, bought & ~in_journals), entries)


def _charges(table: pa.Table, entries: Iterable[LedgerEntry]) -> BookedCharges:
    known = pc.sum(table["charged_mxn"]).as_py() or ZERO
    unknown = _cost_of(table) - known
    for entry in entries:
        if entry.charged_mxn is None:
            unknown += _cost(entry)
        else:
            known += entry.charged_mxn
    return BookedCharges(known, unknown)


def _cost(bought: LedgerEntry) -> Decimal:
    return bought.worst_mxn or ZERO if bought.charged_mxn is None else bought.charged_mxn


def _cost_of(bought: pa.Table) -> Decimal:
    return pc.sum(pc.coalesce(bought["charged_mxn"], bought["worst_mxn"])).as_py() or ZERO


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
        _cost(entry)
        for entry in entries
        if entry.status is EntryStatus.COMPLETED
        and (entry.completed_at is None or tariff.month(entry.completed_at) == month)
    )
    return sum(charges, ZERO)


def _reservations(entries: Iterable[LedgerEntry]) -> tuple[dict[str, Decimal], Decimal]:
    """What may still be charged for open entries, by row key, and for those that were given up."""
    reserved: dict[str, Decimal] = {}
    given_up = ZERO
    for entry in entries:
        mxn = entry.reserved_mxn
        if mxn is None:
            continue
        if entry.status is EntryStatus.ABANDONED:
            given_up += mxn
        else:
            reserved[entry.row_key] = reserved.get(entry.row_key, ZERO) + mxn
    return reserved, given_up
