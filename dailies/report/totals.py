"""Sums of what was bought or may be: in all, by model, by metadata, by day. The one place that adds them up. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.pricing import ZERO, Tariff

NO_VALUE = "(none)"


@dataclass(frozen=True, slots=True)
class Total:
    """Videos of one kind: how many, their seconds, their charge in MXN and USD; ``unknown`` of them have none known."""

    name: str
    videos: int
    seconds: int
    charged_mxn: Decimal
    charged_usd: Decimal
    unknown: int


@dataclass(frozen=True, slots=True)
class WorstTotal:
    """Planned videos of one model, their seconds and their worst case."""

    model: str
    videos: int
    seconds: int
    worst_mxn: Decimal


def sum_up(name: str, bought: Sequence[LedgerEntry]) -> Total:
    """Add up some completed entries."""
    return Total(
        name,
        len(bought),
        _seconds(bought),
        sum((entry.charged_mxn or ZERO for entry in bought), ZERO),
        sum((entry.charged_usd or ZERO for entry in bought), ZERO),
        sum(entry.charged_mxn is None for entry in bought),
    )


def by_model(entries: Iterable[LedgerEntry]) -> tuple[Total, ...]:
    """Add up the completed entries of each model, most expensive first."""
    return _most_expensive_first(entries, model_of)


def by_metadata(entries: Sequence[LedgerEntry]) -> dict[str, tuple[Total, ...]]:
    """Add up the completed entries by each metadata column, most expensive first; names without ``meta.``, sorted."""
    names = sorted({name for entry in completed(entries) for name in entry.metadata})
    return {
        name: _most_expensive_first(entries, lambda entry: entry.metadata.get(name, NO_VALUE))  # noqa: B023 - called at once
        for name in names
    }


def by_day(entries: Iterable[LedgerEntry], tariff: Tariff) -> tuple[Total, ...]:
    """Add up by the day of completion in the tariff's time zone, oldest first."""

    def day(entry: LedgerEntry) -> str:
        moment = entry.completed_at
        return NO_VALUE if moment is None else f"{moment.astimezone(tariff.zone):%Y-%m-%d}"

    return tuple(sum_up(name, members) for name, members in sorted(group_by(completed(entries), day).items()))


def worst_by_model(planned: Iterable[LedgerEntry]) -> tuple[WorstTotal, ...]:
    """Add up the worst cases of each model, by name."""
    return tuple(
        WorstTotal(model, len(members), _seconds(members), sum((entry.worst_mxn or ZERO for entry in members), ZERO))
        for model, members in sorted(group_by(planned, model_of).items())
    )


def fold_cheapest(totals: tuple[Total, ...], most: int) -> tuple[Total, ...]:
    """Keep ``most`` groups at most: the cheapest become one group, so that the sum stays right."""
    if len(totals) <= most:
        return totals
    others = totals[most - 1 :]
    return (
        *totals[: most - 1],
        Total(
            f"{len(others)} others",
            sum(other.videos for other in others),
            sum(other.seconds for other in others),
            sum((other.charged_mxn for other in others), ZERO),
            sum((other.charged_usd for other in others), ZERO),
            sum(other.unknown for other in others),
        ),
    )


def completed(entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
    """Select the entries that got their video."""
    return [entry for entry in entries if entry.status is EntryStatus.COMPLETED]


def group_by(entries: Iterable[LedgerEntry], name: Callable[[LedgerEntry], str]) -> dict[str, list[LedgerEntry]]:
    """Group entries by a name; keep their order."""
    groups: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        groups[name(entry)].append(entry)
    return groups


def model_of(entry: LedgerEntry) -> str:
    """Return an entry's model; a rejected row may have none."""
    return entry.model or NO_VALUE


def _most_expensive_first(entries: Iterable[LedgerEntry], name: Callable[[LedgerEntry], str]) -> tuple[Total, ...]:
    totals = (sum_up(key, members) for key, members in group_by(completed(entries), name).items())
    return tuple(sorted(totals, key=lambda total: (-total.charged_mxn, total.name)))


def _seconds(entries: Iterable[LedgerEntry]) -> int:
    return sum(entry.duration_s or 0 for entry in entries)
