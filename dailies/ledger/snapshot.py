"""What a plan needs to know: the ledger and all journals together.

Journals are read before the ledger: an entry that is folded meanwhile is then seen twice, never missed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from dailies.ledger.charges import could_be_charged_in, may_be_charged, worst_now
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
    """A row that a live run works on: its last attempt, and what may still be charged for it."""

    entry: LedgerEntry
    batch_id: str
    reserved_mxn: Decimal


@dataclass(frozen=True, slots=True)
class Rows:
    """The state of some rows.

    Attributes:
        entries: every entry of the requested rows, by row key.
        live: every row that a live run works on, by row key.
    """

    entries: dict[str, list[LedgerEntry]] = field(default_factory=dict)
    live: dict[str, LiveRow] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BookedCharges:
    """All charges ever: the sum of the known ones, and the worst cases of the unknown ones, in MXN."""

    known_mxn: Decimal = ZERO
    unknown_mxn: Decimal = ZERO

    def since(self, earlier: "BookedCharges") -> Decimal:
        """Return the most that was charged since; a charge that only became known counts too."""
        return self.known_mxn - earlier.known_mxn + max(ZERO, self.unknown_mxn - earlier.unknown_mxn)


@dataclass(frozen=True, slots=True)
class Snapshot(Rows):
    """The ledger as far as a plan needs it: the rows, and the month.

    Attributes:
        charged_mxn: what was charged this month; where a charge is unknown, its worst case. If two clocks disagree on
            the month, the month that has more.
        reserved: what interrupted runs left open and may still be charged, by row key, in MXN.
        given_up_mxn: worst cases of abandoned jobs that may have been charged in that month.
        booked: all charges ever.
    """

    charged_mxn: Decimal = ZERO
    reserved: dict[str, Decimal] = field(default_factory=dict)
    given_up_mxn: Decimal = ZERO
    booked: BookedCharges = BookedCharges()

    def reserved_beside(self, row_keys: Iterable[str]) -> Decimal:
        """Return what may still be charged for rows other than these, in MXN, abandoned jobs included."""
        mine = set(row_keys)
        left = (mxn for key, mxn in self.reserved.items() if key not in mine and key not in self.live)
        live = (row.reserved_mxn for key, row in self.live.items() if key not in mine)
        return sum(left, sum(live, self.given_up_mxn))


def read_snapshot(
    folder: LedgerFolder,
    row_keys: Iterable[str],
    tariff: Tariff,
    now: datetime,
    take_over: frozenset[str] = frozenset(),
    *,
    service_now: datetime | None = None,
    brief: bool = False,
    folded: bool = False,
) -> Snapshot:
    """Read journals and ledger, in this order; changes nothing.

    Args:
        folder: the ledger.
        row_keys: the rows whose entries are wanted.
        tariff: says when a month begins, and at which FX open rows are reserved.
        now: in the month whose charges count.
        take_over: batches that count as interrupted although they appear live.
        service_now: the present by the service's clock, if it is known: near a month's end it may be another month.
        brief: leave out of bought rows what no plan needs, such as their prices.
        folded: interrupted runs were folded under the lock that is held, so every other journal is live.

    Raises:
        LedgerError: a file is damaged or of an unknown version.
    """
    instants = tuple({tariff.month(instant): instant for instant in (service_now or now, now)}.values())
    journals = _journals(folder, take_over, folded=folded)

    def worst(entry: LedgerEntry) -> Decimal:
        return worst_now(entry, tariff, instants)

    one_by_one = _one_by_one(journals.entries.values())
    known = list(folder.find(one_by_one))
    recent = list(merge_all(known, journals.entries.values()).values())
    charged_mxn, given_up_mxn = max(
        (
            _charged(
                folder.scan(["charged_mxn"], _of_month(tariff, instant) & ~one_by_one), recent, tariff, instant, worst
            )
            for instant in instants
        ),
        key=lambda month: sum(month),
    )
    reserved: dict[str, Decimal] = defaultdict(Decimal)
    for entry in recent:
        if entry.status.is_open:
            reserved[entry.row_key] += worst(entry)
    rows = _rows(folder, journals, set(row_keys), brief=brief)
    live = _live_rows(journals.live, worst)
    booked = _booked(folder, journals.entries)
    return Snapshot(rows, live, charged_mxn, dict(reserved), given_up_mxn, booked)


def read_rows(folder: LedgerFolder, row_keys: Iterable[str], *, folded: bool = False) -> Rows:
    """Read rows alone, from journals and ledger, in this order; changes nothing. ``folded`` as in ``read_snapshot``.

    Raises:
        LedgerError: a file is damaged or of an unknown version.
    """
    journals = _journals(folder, frozenset(), folded=folded)
    return Rows(_rows(folder, journals, set(row_keys), brief=False), _live_rows(journals.live, _stored_worst))


def read_booked(folder: LedgerFolder) -> BookedCharges:
    """Read all charges ever.

    Raises:
        LedgerError: a file is damaged or of an unknown version.
    """
    return _booked(folder, _journals(folder, frozenset(), folded=False).entries)


@dataclass(frozen=True, slots=True)
class _Journals:
    live: list[JournalState]
    entries: dict[tuple[str, int], LedgerEntry]


def _journals(folder: LedgerFolder, take_over: frozenset[str], *, folded: bool) -> _Journals:
    live: list[JournalState] = []
    states: list[JournalState] = []
    for path in journal_paths(folder.journals):
        # A run that dies after the fold leaves a journal without a seal, which a late child may still own.
        is_at_work = folded or (path.name not in take_over and is_live(path))
        try:
            states.append(replay(path))
        except FileNotFoundError:  # folded meanwhile: the ledger has it
            continue
        if is_at_work and not states[-1].sealed:
            live.append(states[-1])
    return _Journals(live, merge_all(*(state.entries.values() for state in states)))


def _rows(folder: LedgerFolder, journals: _Journals, keys: set[str], *, brief: bool) -> dict[str, list[LedgerEntry]]:
    journalled = (entry for entry in journals.entries.values() if entry.row_key in keys)
    entries: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in merge_all(_of_rows(folder, keys, brief=brief), journalled).values():
        entries[entry.row_key].append(entry)
    return dict(entries)


def _of_rows(folder: LedgerFolder, keys: set[str], *, brief: bool) -> list[LedgerEntry]:
    if not brief or not keys:
        return folder.entries(keys) if keys else []
    known = list(folder.find(pc.field("row_key").isin(pa.array(list(keys), pa.string())), _BRIEF))
    unfinished = {entry.row_key for entry in known if entry.status is not EntryStatus.COMPLETED}
    if not unfinished:
        return known
    return [*(entry for entry in known if entry.row_key not in unfinished), *folder.entries(unfinished)]


def _one_by_one(journalled: Iterable[LedgerEntry]) -> pc.Expression:
    """Select entries that are read one by one: open, abandoned, of an unknown charge, or also in a journal.

    A journal may hold a newer version than the ledger.
    """
    rows = pa.array({entry.row_key for entry in journalled}, pa.string())
    unknown = (pc.field("status") == EntryStatus.COMPLETED.value) & pc.field("charged_mxn").is_null()
    return pc.field("status").isin(pa.array(_OPEN)) | unknown | pc.field("row_key").isin(rows)


def _of_month(tariff: Tariff, instant: datetime) -> pc.Expression:
    begin, end = (pa.scalar(at, _INSTANT) for at in tariff.month_bounds(instant))
    completed_at = pc.field("completed_at")
    in_month = completed_at.is_null() | ((completed_at >= begin) & (completed_at < end))
    return (pc.field("status") == EntryStatus.COMPLETED.value) & in_month


def _charged(
    others: pa.Table,
    recent: Iterable[LedgerEntry],
    tariff: Tariff,
    instant: datetime,
    worst: Callable[[LedgerEntry], Decimal],
) -> tuple[Decimal, Decimal]:
    """Return what the month of an instant was charged, and what its abandoned jobs may have been charged, in MXN.

    ``others`` are the entries of that month that Arrow adds up.
    """
    month = tariff.month(instant)
    charged, given_up = pc.sum(others["charged_mxn"]).as_py() or ZERO, ZERO
    for entry in recent:
        if entry.status is EntryStatus.COMPLETED:
            if entry.completed_at is None or tariff.month(entry.completed_at) == month:
                charged += worst(entry) if entry.charged_mxn is None else entry.charged_mxn
        elif entry.status is EntryStatus.ABANDONED and may_be_charged(entry):
            given_up += worst(entry) if could_be_charged_in(entry, tariff, month) else ZERO
    return charged, given_up


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


def _live_rows(live: list[JournalState], worst: Callable[[LedgerEntry], Decimal]) -> dict[str, LiveRow]:
    rows = {}
    for state in live:
        for entry in state.latest():
            over = entry.row_key in state.finished or entry.status is EntryStatus.COMPLETED
            rows[entry.row_key] = LiveRow(entry, state.manifest.batch_id, ZERO if over else worst(entry))
    return rows


def _stored_worst(entry: LedgerEntry) -> Decimal:
    return entry.worst_mxn or ZERO
