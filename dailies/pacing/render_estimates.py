"""Estimates how long a model renders: a distribution learned from polls. Pure.

A poll never shows when a job finished, only that it was unfinished at one poll and finished at the next
(interval-censored), or unfinished at the last poll (right-censored: open jobs and failed ones). The catalogue's typical
range is the prior. The family is lognormal with unknown middle and spread, on a grid, plus a few stragglers, so one
stuck job does not distort the estimate. Its posterior is the base of Turnbull's self-consistent estimate
(JRSS B 38, 1976), which counts it as ``_BASE_JOBS`` jobs. So the estimate also learns shapes that are not lognormal.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dailies.catalogue import VideoModel

Floats = NDArray[np.float64]

_QUANTILE_95 = 1.6448536269514722  # of the standard normal distribution
_POINTS = 800
_LOWEST, _HIGHEST = 1 / 6, 12.0  # the grid's ends, in units of the typical range's ends

# Errors of the typical range: usually small (in units of its spread), rarely a factor (in log time).
_SHIFT_LITTLE, _SHIFT_MUCH, _P_MUCH = 0.1, 0.5, 0.01
_SPREAD_MISTAKE = 0.1
_FARTHEST, _SHIFT_STEP = 1.4, 0.25  # in log time; in units of the spread
_SPREADS = np.geomspace(0.4, 3.0, 13)

_P_STRAGGLER = 0.003
_STRAGGLER_SPREAD = 0.7

_BASE_JOBS = 1000.0
_ROUNDS = 10

_Z = np.linspace(-8.0, 8.0, 4001)
_PHI = np.array([0.5 * math.erfc(-z / math.sqrt(2)) for z in _Z])


class Sighting(NamedTuple):
    """What the polls of one job showed, in seconds after its submit; ``inf``: no poll saw it done.

    ``weight``: the number of jobs that it counts as.
    """

    not_done_at_s: float
    done_by_s: float = math.inf
    weight: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class RenderTimes:
    """A distribution of render times on a grid.

    Attributes:
        times_s: the grid, rising, beginning with 0.
        mass: ``mass[k]`` is the probability of a time in ``(times_s[k-1], times_s[k]]``; they add up to 1.
    """

    times_s: Floats
    mass: Floats

    def done_by(self, age_s: float) -> float:
        """Return the probability that a job is done at that age, in seconds."""
        return float(np.interp(age_s, self.times_s, np.cumsum(self.mass)))

    def quantile_s(self, probability: float) -> float:
        """Return the age, in seconds, at which a job is done with that probability."""
        return float(np.interp(probability, np.cumsum(self.mass), self.times_s))

    @property
    def mean_s(self) -> float:
        """The expected time, in seconds."""
        return float(self.mass @ self.middles_s)

    @property
    def middles_s(self) -> Floats:
        """The middle of each cell of the grid, in seconds."""
        return (np.concatenate([[0.0], self.times_s[:-1]]) + self.times_s) / 2


def normal_cdf(z: Floats) -> Floats:
    """Compute the standard normal distribution function, to seven digits."""
    return np.asarray(np.interp(z, _Z, _PHI))


def log_range(model: VideoModel) -> tuple[float, float]:
    """Return middle and spread of the logarithm of the seconds, if the typical range holds nine of ten jobs."""
    low, high = (math.log(seconds) for seconds in model.typical_render_s)
    return (low + high) / 2, (high - low) / 2 / _QUANTILE_95


def estimate(model: VideoModel, sightings: Sequence[Sighting] = ()) -> RenderTimes:
    """Estimate the distribution of a model's render times from the catalogue and from polls."""
    if not sightings:
        return _prior(model)
    family = _family(model)
    seen = _cells(family.times_s, sightings)
    base = family.mixture(family.posterior(seen))
    return RenderTimes(family.times_s, _self_consistent(base, seen))


@cache
def _prior(model: VideoModel) -> RenderTimes:
    family = _family(model)
    return RenderTimes(family.times_s, family.mixture(family.log_prior))


class _Seen(NamedTuple):
    """Sightings on a grid: each job finished in one of the cells ``low + 1`` to ``high``."""

    low: NDArray[np.intp]
    high: NDArray[np.intp]
    weight: Floats


def _cells(times_s: Floats, sightings: Sequence[Sighting]) -> _Seen:
    seen = np.array(sightings, dtype=np.float64)
    low = np.minimum(np.searchsorted(times_s, seen[:, 0]), len(times_s) - 2)
    high = np.minimum(np.searchsorted(times_s, seen[:, 1]), len(times_s) - 1)
    return _Seen(low, np.maximum(high, low + 1), seen[:, 2])


@dataclass(frozen=True, slots=True, eq=False)
class _Family:
    """Lognormal distributions around a model's typical range, and the stragglers.

    Attributes:
        times_s: the grid.
        reached: the members' distribution functions on it: member x time.
        astray: that of the stragglers.
        log_prior: the logarithm of each member's weight without any data.
    """

    times_s: Floats
    reached: NDArray[np.float32]
    astray: Floats
    log_prior: Floats

    def posterior(self, seen: _Seen) -> Floats:
        """Return the logarithm of each member's weight after the sightings, up to a constant."""
        within = self.reached[:, seen.high] - self.reached[:, seen.low]
        astray = self.astray[seen.high] - self.astray[seen.low]
        likelihood = (1 - _P_STRAGGLER) * within + _P_STRAGGLER * astray
        return np.asarray(self.log_prior + np.log(np.maximum(likelihood, 1e-12)) @ seen.weight)

    def mixture(self, log_weight: Floats) -> Floats:
        """Return the mass in each cell of the grid."""
        weight = np.exp(log_weight - log_weight.max())
        reached = (1 - _P_STRAGGLER) * (weight / weight.sum()) @ self.reached + _P_STRAGGLER * self.astray
        reached[-1] = 1.0
        return np.asarray(np.maximum(np.diff(reached, prepend=0.0), 0.0))


@cache
def _family(model: VideoModel) -> _Family:
    low_s, high_s = model.typical_render_s
    middle, spread = log_range(model)
    times_s = np.concatenate([[0.0], np.geomspace(low_s * _LOWEST, high_s * _HIGHEST, _POINTS - 1)])
    log_s = np.concatenate([[-np.inf], np.log(times_s[1:])])
    farthest = _SHIFT_STEP * spread * round(_FARTHEST / spread / _SHIFT_STEP)
    shifts = np.arange(-farthest, farthest * 1.001, _SHIFT_STEP * spread)
    distance = (log_s - middle - shifts[:, None, None]) / (spread * _SPREADS[:, None])
    little = np.exp(-0.5 * (shifts / (_SHIFT_LITTLE * spread)) ** 2)
    much = np.exp(-0.5 * (shifts / _SHIFT_MUCH) ** 2)
    shift = (1 - _P_MUCH) * little / little.sum() + _P_MUCH * much / much.sum()
    widths = -0.5 * (np.log(_SPREADS) / _SPREAD_MISTAKE) ** 2
    return _Family(
        times_s,
        normal_cdf(distance).reshape(-1, _POINTS).astype(np.float32),
        normal_cdf((log_s - np.log(high_s)) / _STRAGGLER_SPREAD),
        (np.log(shift)[:, None] + widths).ravel(),
    )


def _self_consistent(base: Floats, seen: _Seen) -> Floats:
    """Share each job over the cells in which it can have finished, repeatedly; ``base`` keeps the result smooth."""
    mass = base
    for _ in range(_ROUNDS):
        reached = np.cumsum(mass)
        share = seen.weight / np.maximum(reached[seen.high] - reached[seen.low], 1e-12)
        # Every job adds its share to each of its cells: a running sum over the starts and ends of intervals.
        steps = np.bincount(seen.low + 1, share, len(mass) + 1) - np.bincount(seen.high + 1, share, len(mass) + 1)
        mass = _BASE_JOBS * base + mass * np.maximum(np.cumsum(steps)[:-1], 0.0)
        mass = mass / mass.sum()
    return mass
