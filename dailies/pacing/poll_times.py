"""When to poll: the optimum checking procedure of Barlow, Hunter and Proschan (SIAM J. Appl. Math. 11, 1963). Pure.

An event happens at a random time and shows only in a poll; each poll has a cost, and so has each second until the poll
that sees the event. The optimum minimises expected polls + ``lag_price`` x expected lag. Dynamic programming backwards
in time finds it exactly on the grid of the distribution. No gap after the first poll is wider than a bound.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dailies.pacing.render_estimates import Floats, RenderTimes

_NEVER_BEFORE, _BEYOND = 1e-4, 0.999  # probabilities between which polls are placed one by one
_CELLS = 200
_TRIES = 12
_CLOSE = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Procedure:
    """The optimum for one distribution and one price of lag.

    Attributes:
        times_s: possible ages of a poll; the last one ends the grid.
        following: for each age, the index of the next poll after one that found the job unfinished.
        cost: the expected cost after an unsuccessful poll at that age, times the probability of that poll.
        alive: the probability that the job is unfinished at that age.
        moment: the part of the mean before that age, for expected lags.
        max_gap_s: the widest gap, also used beyond the grid.
        lag_price: the cost of one second of lag, in polls.
        polls: expected polls of a job that was just submitted.
        lag_s: expected seconds from the end of the render to the poll that sees it.
    """

    times_s: Floats
    following: tuple[int, ...]
    cost: Floats
    alive: Floats
    moment: Floats
    max_gap_s: float
    lag_price: float
    polls: float
    lag_s: float

    @property
    def checks_s(self) -> tuple[float, ...]:
        """The ages, in seconds, at which to poll a job that was just submitted; after them, every ``max_gap_s``."""
        return tuple(float(self.times_s[index]) for index in _path(self.following, 0))

    def checks_from(self, age_s: float) -> tuple[float, ...]:
        """Return the same for a job of that age that was never polled."""
        ahead = int(np.searchsorted(self.times_s, age_s, side="right"))
        if ahead >= len(self.times_s):
            return (age_s,)
        # A poll now shows nearly as much as a poll at the last point of the grid would have shown.
        points = np.arange(ahead - 1, len(self.times_s))
        looks_s = np.maximum(self.times_s[points], age_s)
        reached, moment = 1 - self.alive[points], self.moment[points]
        best = int((self.lag_price * (looks_s * reached - moment) + self.cost[points]).argmin())
        later = [float(self.times_s[index]) for index in _path(self.following, int(points[best]))]
        return (float(looks_s[best]), *(check for check in later if check > looks_s[best] + self.lag_s / 4))


def _path(following: tuple[int, ...], index: int) -> list[int]:
    path = []
    while index < len(following) - 1:
        index = following[index]
        path.append(index)
    return path


def best_procedure(
    times: RenderTimes, lag_price: float, max_gap_s: float, resolution_s: float = float("inf")
) -> Procedure:
    """Find the optimum for a price of lag, in polls per second.

    Args:
        times: the distribution.
        lag_price: the cost of one second of lag, in polls.
        max_gap_s: the widest gap after the first poll, in seconds.
        resolution_s: the coarsest step of the grid, as far as the distribution's own grid allows.
    """
    grid, mass, middles = _condense(times, resolution_s)
    reached, moment = np.cumsum(mass), np.cumsum(mass * middles)
    alive = 1 - reached
    count = len(grid)
    cost, following = np.zeros(count), [count - 1] * count
    widest = np.searchsorted(grid, grid + max_gap_s, side="right")
    for i in range(count - 2, -1, -1):
        end = count if i == 0 else max(int(widest[i]), i + 2)
        lag = grid[i + 1 : end] * (reached[i + 1 : end] - reached[i]) - (moment[i + 1 : end] - moment[i])
        total = lag_price * lag + cost[i + 1 : end]
        best = int(total.argmin())
        cost[i] = alive[i] + total[best]
        following[i] = i + 1 + best
    path = [0, *_path(tuple(following), 0)]
    before, here = np.array(path[:-1]), np.array(path[1:])
    polls = alive[before].sum() + alive[-1]
    lag_s = (grid[here] * (reached[here] - reached[before]) - (moment[here] - moment[before])).sum()
    lag_s += alive[-1] * max_gap_s / 2
    return Procedure(grid, tuple(following), cost, alive, moment, max_gap_s, lag_price, float(polls), float(lag_s))


def procedure_for(
    times: RenderTimes, lag_s: float, max_gap_s: float, *, max_polls: float = float("inf"), price: float | None = None
) -> Procedure:
    """Find the optimum with an expected lag of ``lag_s``; with fewer polls and more lag if it needs over ``max_polls``.

    Args:
        times: the distribution.
        lag_s: the expected lag to reach, in seconds.
        max_gap_s: the widest gap between polls, in seconds.
        max_polls: affordable polls of one job, on average.
        price: the start of the search, if a similar price is known.
    """

    def at(price: float) -> Procedure:
        return best_procedure(times, price, max_gap_s, lag_s / 2)

    found = _search(at, price or 1 / lag_s, lambda tried: tried.lag_s / lag_s)
    if found.polls <= max_polls:
        return found
    return _search(at, found.lag_price, lambda tried: max_polls / tried.polls, is_ceiling=False)


def _search(
    at: Callable[[float], Procedure], price: float, excess_of: Callable[[Procedure], float], *, is_ceiling: bool = True
) -> Procedure:
    """Find the procedure whose excess is nearest to 1 on the right side: not above it, or not below it.

    The excess falls approximately with the root of the price; if it jumps, bisection finds the step.
    """
    best: Procedure | None = None
    nearest = float("inf")
    cheap, dear = 0.0, float("inf")
    for _ in range(_TRIES):
        found = at(price)
        excess = excess_of(found)
        cheap, dear = (max(cheap, price), dear) if excess > 1 else (cheap, min(dear, price))
        if (excess <= 1) == is_ceiling and abs(excess - 1) < nearest:
            best, nearest = found, abs(excess - 1)
        if nearest < 2 * _CLOSE or dear - cheap < _CLOSE * cheap:
            break
        aim = 1 - _CLOSE if is_ceiling else 1 + _CLOSE
        guess = price * (excess / aim) ** 1.8
        price = guess if cheap < guess < dear else (cheap + dear) / 2
    return best or found


def _condense(times: RenderTimes, resolution_s: float) -> tuple[Floats, Floats, Floats]:
    """Reduce the grid to about ``_CELLS`` cells where jobs end, or finer ones; the first cell holds all earlier mass.

    Returns:
        Grid (beginning with 0), mass and mean time of each cell.
    """
    reached = np.cumsum(times.mass)
    first = max(int(np.searchsorted(reached, _NEVER_BEFORE)) - 1, 0)
    last = min(int(np.searchsorted(reached, _BEYOND)) + 1, len(reached) - 1)
    fine = int(np.searchsorted(times.times_s, times.quantile_s(0.5) + resolution_s)) - int(np.argmax(reached >= 0.5))
    step = max(1, min(-(-(last - first) // _CELLS), fine))
    kept = np.unique(np.concatenate([[0], np.arange(max(first, 1), last, step), [last]]))
    moment = np.cumsum(times.mass * times.middles_s)
    mass, moments = np.diff(reached[kept], prepend=0.0), np.diff(moment[kept], prepend=0.0)
    middles = np.divide(moments, mass, out=times.times_s[kept].copy(), where=mass > 0)
    return times.times_s[kept], mass, middles
