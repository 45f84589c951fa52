"""What was bought, in groups: videos, seconds, MXN and USD. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dailies.ledger.entry import LedgerEntry
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


def sum_up(name: str, entries: Sequence[LedgerEntry]) -> Spend:
    """Some completed entries as one group."""
    return Spend(
        name,
        len(entries),
        sum(entry.duration_s or 0 for entry in entries),
        sum((entry.charged_mxn or ZERO for entry in entries), ZERO),
        sum((entry.charged_usd or ZERO for entry in entries), ZERO),
        sum(entry.charged_mxn is None for entry in entries),
    )


def group_by(entries: Iterable[LedgerEntry], name: Callable[[LedgerEntry], str]) -> dict[str, list[LedgerEntry]]:
    """Entries by name, in their order."""
    groups: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        groups[name(entry)].append(entry)
    return groups


def dearest(entries: Iterable[LedgerEntry], name: Callable[[LedgerEntry], str]) -> tuple[Spend, ...]:
    """Groups by cost; what goes beyond a screenful becomes one group of its own, so that the sum stays right."""
    groups = group_by(entries, name)
    spends = sorted((sum_up(key, members) for key, members in groups.items()), key=lambda one: (-one.mxn, one.name))
    if len(spends) <= MOST_GROUPS:
        return tuple(spends)
    others = [entry for spend in spends[MOST_GROUPS - 1 :] for entry in groups[spend.name]]
    return (*spends[: MOST_GROUPS - 1], sum_up(f"{len(spends) - MOST_GROUPS + 1} others", others))


def by_day(entries: Iterable[LedgerEntry], tariff: Tariff) -> tuple[Spend, ...]:
    """By the day on which they completed, in the tariff's time zone, oldest first."""

    def day(entry: LedgerEntry) -> str:
        moment = entry.completed_at
        return NO_VALUE if moment is None else f"{moment.astimezone(tariff.zone):%Y-%m-%d}"

    return tuple(sum_up(name, members) for name, members in sorted(group_by(entries, day).items()))


def by_metadata(entries: Sequence[LedgerEntry]) -> dict[str, tuple[Spend, ...]]:
    """By each metadata column, dearest first; by eight columns at most."""
    names = sorted({name for entry in entries for name in entry.metadata})
    return {
        name: dearest(entries, lambda entry: entry.metadata.get(name, NO_VALUE))  # noqa: B023 - called at once
        for name in names[:MOST_COLUMNS]
    }
