"""Computes the poll schedule of one job. Pure: no clock, no sleep.

``render_estimates`` estimates how long a model renders, ``poll_times`` finds the best ages to poll at, ``forecast``
learns from a run. ``docs/pacing.md`` explains all of it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, pairwise, repeat

from dailies.catalogue import VideoModel
from dailies.pacing.poll_times import Procedure

MAX_DELAYS = 50
"""Prefect takes so many delays between the attempts of a task, and repeats the last one."""

_MAX_RETRIES = 10_000
_LAG_SHARE = 0.96
_SLOT_LAG_SHARE = 0.01
_GAP_INTERVALS = 2.0
_JITTER = 0.3


@dataclass(frozen=True, slots=True)
class PollSchedule:
    """When to poll one job: after ``first_wait_s``, then after each of ``delays_s``, the last of which repeats.

    Attributes:
        first_wait_s: seconds from now until the first poll.
        delays_s: seconds from each poll to the next, one to fifty of them.
        retries: polls after the first one until the deadline is surely past.
        deadline_s: seconds from now after which the job is left to the next run.
    """

    first_wait_s: float
    delays_s: tuple[float, ...]
    retries: int
    deadline_s: float

    def waits_s(self) -> Iterator[float]:
        """Yield the seconds to wait before each poll, without end."""
        return chain([self.first_wait_s], self.delays_s, repeat(self.delays_s[-1]))


def poll_schedule(
    procedure: Procedure, age_s: float, *, time_scale: float, give_up_after_s: float, chance: float = 0.5
) -> PollSchedule:
    """Compute the schedule of a job that was submitted ``age_s`` seconds ago and of which nothing else is known.

    Args:
        procedure: the best ages to poll jobs of its kind at.
        age_s: seconds; below zero (a clock that was set back) counts as zero.
        time_scale: factor on all times of the procedure.
        give_up_after_s: seconds after the first poll, before the time scale.
        chance: between 0 and 1, another one for each job: moves its polls a little, so that jobs that were submitted
            together are not polled together.
    """
    age = max(age_s, 0.0) / time_scale
    checks = _moved(_checks(procedure, age), chance - 0.5, age)
    first = checks[0] - age
    delays = [after - before for before, after in pairwise(checks)] + [procedure.max_gap_s]
    if len(delays) > MAX_DELAYS:  # the last one repeats, so it is for stragglers
        delays = [*delays[: MAX_DELAYS - 1], procedure.max_gap_s]
    listed = sum(delays[:-1])
    more = math.ceil(max(give_up_after_s - listed, 0.0) / delays[-1])
    retries = min(len(delays) + more, _MAX_RETRIES)
    delays_s = tuple(delay * time_scale for delay in delays)
    return PollSchedule(first * time_scale, delays_s, retries, (first + give_up_after_s) * time_scale)


def _checks(procedure: Procedure, age: float) -> list[float]:
    """Return the ages to poll at, from this age on: the best first poll, then the procedure's own path."""
    if age >= procedure.times_s[-1]:
        return [age]
    if age == 0:
        return list(procedure.checks_s)
    return list(procedure.checks_from(age))


def _moved(checks: list[float], part: float, age: float) -> list[float]:
    gaps = [after - before for before, after in pairwise(checks)]
    if not gaps:
        return checks
    room = [min(left, right) for left, right in zip([gaps[0], *gaps], [*gaps, gaps[-1]], strict=True)]
    return [max(check + _JITTER * part * gap, age) for check, gap in zip(checks, room, strict=True)]


def most_lag_s(model: VideoModel, mean_s: float, *, is_slot_wanted: bool) -> float:
    """Return the expected lag to aim at, in seconds before the time scale.

    A client that polls at the documented interval has a mean lag of half of it; the target is a little less, with
    fewer polls. While rows wait for a slot, each second of lag leaves a slot idle: then the target is a hundredth of
    the render time.
    """
    usual = _LAG_SHARE * model.poll_interval_s / 2
    return min(usual, _SLOT_LAG_SHARE * mean_s) if is_slot_wanted else usual


def widest_gap_s(model: VideoModel) -> float:
    """Return the widest gap between polls, in seconds before the time scale; it holds for stragglers, too."""
    return _GAP_INTERVALS * model.poll_interval_s
