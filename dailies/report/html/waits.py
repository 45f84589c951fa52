"""How long videos took, by model. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from dailies.ledger.entry import LedgerEntry
from dailies.report.html.spending import group_by


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


def read_waits(entries: Iterable[LedgerEntry]) -> tuple[Wait, ...]:
    """The waits of completed entries, by model."""
    known = (entry for entry in entries if entry.waited_s is not None)
    return tuple(
        _wait(model, members) for model, members in sorted(group_by(known, lambda entry: entry.model or "?").items())
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
