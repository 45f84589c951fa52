"""What a report counts: sums, groups, waits and failures of some entries. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.pricing import ZERO, Tariff
from dailies.report.html.spending import NO_VALUE, Spend, by_day, by_metadata, dearest, sum_up
from dailies.report.html.waits import Wait, read_waits


@dataclass(frozen=True, slots=True)
class Failure:
    """Rows that ended for the same reason: how many, and where the first of them stand."""

    reason: str
    status: str
    rows: int
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that a report counts.

    Attributes:
        rows: how many there are.
        statuses: rows by status.
        total: what was bought.
        possible_mxn: what open jobs may still cost.
        by_model: dearest first.
        by_day: in the tariff's time zone, oldest first.
        by_metadata: by the name of the column, dearest first.
        waits: by model.
        polls: videos by how often they were polled.
        failures: the most frequent first.
    """

    rows: int
    statuses: Counter[str]
    total: Spend
    possible_mxn: Decimal
    by_model: tuple[Spend, ...]
    by_day: tuple[Spend, ...]
    by_metadata: dict[str, tuple[Spend, ...]]
    waits: tuple[Wait, ...]
    polls: Counter[int]
    failures: tuple[Failure, ...]

    @property
    def failed(self) -> int:
        """Rows that ended without a video."""
        return sum(self.statuses[status] for status in ("failed", "rejected", "abandoned"))

    @property
    def open(self) -> int:
        """Rows that may still get one."""
        return self.rows - self.failed - self.statuses["completed"]


def last_attempts(entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
    """The last attempt of every row, in the order in which the rows come."""
    last: dict[str, LedgerEntry] = {}
    for entry in entries:
        known = last.get(entry.row_key)
        if known is None or entry.attempt > known.attempt:
            last[entry.row_key] = entry
    return list(last.values())


def count_figures(entries: Sequence[LedgerEntry], tariff: Tariff) -> Figures:
    """Count some entries; all attempts of a row, so that none of what was charged is missed."""
    rows = last_attempts(entries)
    bought = [entry for entry in entries if entry.status is EntryStatus.COMPLETED]
    return Figures(
        rows=len(rows),
        statuses=Counter(str(entry.status) for entry in rows),
        total=sum_up("all", bought),
        possible_mxn=sum((entry.reserved_mxn or ZERO for entry in entries), ZERO),
        by_model=dearest(bought, lambda entry: entry.model or NO_VALUE),
        by_day=by_day(bought, tariff),
        by_metadata=by_metadata(bought),
        waits=read_waits(bought),
        polls=Counter(entry.polls for entry in bought),
        failures=_failures(rows),
    )


def _failures(rows: Iterable[LedgerEntry]) -> tuple[Failure, ...]:
    ended = (EntryStatus.FAILED, EntryStatus.REJECTED, EntryStatus.ABANDONED)
    groups: dict[tuple[str, str], list[LedgerEntry]] = defaultdict(list)
    for entry in rows:
        if entry.status in ended:
            groups[_reason(entry), str(entry.status)].append(entry)
    failures = (
        Failure(reason, status, len(group), tuple(place_of(entry) for entry in group))
        for (reason, status), group in groups.items()
    )
    return tuple(sorted(failures, key=lambda failure: (-failure.rows, failure.reason)))


def _reason(entry: LedgerEntry) -> str:
    if entry.status is EntryStatus.ABANDONED:
        return "given up by hand"
    return entry.error or entry.error_code or "no reason was told"


def place_of(entry: LedgerEntry) -> str:
    """Where a row stands: ``prompts.csv line 14``, and its id if it has one."""
    name = f" ({entry.prompt_id})" if entry.prompt_id else ""
    return f"{entry.source} line {entry.source_line}{name}"
