"""What a report counts: sums, groups, waits and failures of some entries. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from dailies.ledger import EntryStatus, LedgerEntry
from dailies.pricing import ZERO, Tariff

MOST_GROUPS = 25
MOST_COLUMNS = 8
NO_VALUE = "(none)"


@dataclass(frozen=True, slots=True)
class Spend:
    """Videos of one kind, their seconds and what they cost; ``unknown`` of them have no known charge."""

    name: str
    videos: int
    seconds: int
    mxn: Decimal
    usd: Decimal
    unknown: int


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
        total=_spend("all", bought),
        possible_mxn=sum((entry.reserved_mxn or ZERO for entry in entries), ZERO),
        by_model=_dearest(bought, lambda entry: entry.model or NO_VALUE),
        by_day=_by_day(bought, tariff),
        by_metadata=_by_metadata(bought),
        waits=_waits(bought),
        polls=Counter(entry.polls for entry in bought),
        failures=_failures(rows),
    )


def _spend(name: str, entries: Sequence[LedgerEntry]) -> Spend:
    return Spend(
        name,
        len(entries),
        sum(entry.duration_s or 0 for entry in entries),
        sum((entry.charged_mxn or ZERO for entry in entries), ZERO),
        sum((entry.charged_usd or ZERO for entry in entries), ZERO),
        sum(entry.charged_mxn is None for entry in entries),
    )


def _groups(entries: Iterable[LedgerEntry], name: Callable[[LedgerEntry], str]) -> dict[str, list[LedgerEntry]]:
    groups: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        groups[name(entry)].append(entry)
    return groups


def _dearest(entries: Iterable[LedgerEntry], name: Callable[[LedgerEntry], str]) -> tuple[Spend, ...]:
    """Groups by cost; what goes beyond a screenful becomes one group of its own, so that the sum stays right."""
    groups = _groups(entries, name)
    spends = sorted((_spend(key, group) for key, group in groups.items()), key=lambda one: (-one.mxn, one.name))
    if len(spends) <= MOST_GROUPS:
        return tuple(spends)
    others = [entry for spend in spends[MOST_GROUPS - 1 :] for entry in groups[spend.name]]
    return (*spends[: MOST_GROUPS - 1], _spend(f"{len(spends) - MOST_GROUPS + 1} others", others))


def _by_day(entries: Iterable[LedgerEntry], tariff: Tariff) -> tuple[Spend, ...]:
    def day(entry: LedgerEntry) -> str:
        moment = entry.completed_at
        return NO_VALUE if moment is None else f"{moment.astimezone(tariff.zone):%Y-%m-%d}"

    return tuple(_spend(name, group) for name, group in sorted(_groups(entries, day).items()))


def _by_metadata(entries: Sequence[LedgerEntry]) -> dict[str, tuple[Spend, ...]]:
    names = sorted({name for entry in entries for name in entry.metadata})
    return {
        name: _dearest(entries, lambda entry: entry.metadata.get(name, NO_VALUE))  # noqa: B023 - called at once
        for name in names[:MOST_COLUMNS]
    }


def _waits(entries: Iterable[LedgerEntry]) -> tuple[Wait, ...]:
    known = (entry for entry in entries if entry.waited_s is not None)
    return tuple(
        _wait(model, group) for model, group in sorted(_groups(known, lambda entry: entry.model or "?").items())
    )


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
