"""Counts what a report shows: sums, groups, waits and failures of some entries. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.planning.next_attempt import last_word
from dailies.planning.outcome import reason_of
from dailies.pricing import ZERO, Tariff
from dailies.report.totals import (
    Total,
    by_day,
    by_metadata,
    by_model,
    completed,
    fold_cheapest,
    group_by,
    model_of,
    sum_up,
)

MOST_GROUPS = 25
MOST_COLUMNS = 8


@dataclass(frozen=True, slots=True)
class Failure:
    """Rows that ended for the same reason: how many, and their places."""

    reason: str
    status: str
    rows: int
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """How long the videos of one model took, from submit to the poll that found them done, in seconds.

    ``lag_s`` is the most by which that poll came late, at the median: the time since the poll before it.
    """

    model: str
    videos: int
    shortest_s: float
    median_s: float
    most_s: float
    longest_s: float
    lag_s: float | None
    waits_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """The counts of a report.

    Attributes:
        rows: how many there are.
        statuses: rows by status.
        total: what was bought.
        possible_mxn: what open jobs may still cost.
        by_model: most expensive first.
        by_day: in the tariff's time zone, oldest first.
        by_metadata: by the name of the column, most expensive first.
        waits: by model.
        polls: videos by how often they were polled.
        failures: the most frequent first.
    """

    rows: int
    statuses: Counter[str]
    total: Total
    possible_mxn: Decimal
    by_model: tuple[Total, ...]
    by_day: tuple[Total, ...]
    by_metadata: dict[str, tuple[Total, ...]]
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
    """Return the entry that decides each row, as in the results, in the order in which the rows come."""
    return [last_word(attempts) for attempts in group_by(entries, lambda entry: entry.row_key).values()]


def count_figures(entries: Sequence[LedgerEntry], tariff: Tariff) -> Figures:
    """Count some entries; they must hold all attempts of a row, or a charge is missed."""
    rows = last_attempts(entries)
    bought = completed(entries)
    columns = list(by_metadata(bought).items())
    return Figures(
        rows=len(rows),
        statuses=Counter(str(entry.status) for entry in rows),
        total=sum_up("all", bought),
        possible_mxn=sum((entry.reserved_mxn or ZERO for entry in entries), ZERO),
        by_model=fold_cheapest(by_model(bought), MOST_GROUPS),
        by_day=by_day(bought, tariff),
        by_metadata={name: fold_cheapest(totals, MOST_GROUPS) for name, totals in columns[:MOST_COLUMNS]},
        waits=_read_waits(bought),
        polls=Counter(entry.polls for entry in bought),
        failures=_failures(rows),
    )


def _read_waits(entries: Iterable[LedgerEntry]) -> tuple[Wait, ...]:
    """Measure the waits of completed entries, by model."""
    known = (entry for entry in entries if entry.waited_s is not None)
    return tuple(_wait(model, members) for model, members in sorted(group_by(known, model_of).items()))


def _wait(model: str, entries: Sequence[LedgerEntry]) -> Wait:
    waits = sorted(entry.waited_s or 0.0 for entry in entries)
    lags = [(entry.waited_s or 0.0) - entry.not_done_at_s for entry in entries if entry.not_done_at_s is not None]
    return Wait(
        model,
        len(waits),
        waits[0],
        median(waits),
        waits[min(len(waits) - 1, int(0.95 * len(waits)))],
        waits[-1],
        median(lags) if lags else None,
        tuple(waits),
    )


def _failures(rows: Iterable[LedgerEntry]) -> tuple[Failure, ...]:
    ended = (EntryStatus.FAILED, EntryStatus.REJECTED, EntryStatus.ABANDONED)
    groups: dict[tuple[str, str], list[LedgerEntry]] = defaultdict(list)
    for entry in rows:
        if entry.status in ended:
            groups[reason_of(entry), str(entry.status)].append(entry)
    failures = (
        Failure(reason, status, len(group), tuple(place_of(entry) for entry in group))
        for (reason, status), group in groups.items()
    )
    return tuple(sorted(failures, key=lambda failure: (-failure.rows, failure.reason)))


def place_of(entry: LedgerEntry) -> str:
    """Return a row's place: ``prompts.csv line 14``, and its id if it has one."""
    name = f" ({entry.prompt_id})" if entry.prompt_id else ""
    return f"{entry.source} line {entry.source_line}{name}"
