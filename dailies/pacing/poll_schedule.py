"""Pacing: when to poll a job, how much to have in flight, how fast to submit. Pure: no clock, no sleep.

How it is reckoned: ``rendering`` (how long a model takes), ``checking`` (when it is best to look), ``forecast`` (what
a run has learned), ``limiter`` (who may send when). ``docs/pacing.md`` tells the whole of it.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, pairwise, repeat

from dailies.catalogue import VideoModel
from dailies.pacing.forecast import Forecast
from dailies.pacing.poll_times import Procedure

MAX_DELAYS = 50
"""Prefect takes so many delays between the attempts of a task, and repeats the last one."""

_MAX_RETRIES = 10_000
_LAG_SHARE = 0.96
_SLOT_LAG_SHARE = 0.01
_GAP_INTERVALS = 2.0
_JITTER = 0.3
_FEWEST_POLLS = 2.0

# What one job costs Prefect's server in events: submit task 3, poll task 3, and 2 for each further poll.
EVENTS_PER_SUBMIT = 6.0
EVENTS_PER_POLL = 2.0


@dataclass(frozen=True, slots=True)
class PollSchedule:
    """When to look at one job: after ``first_wait_s``, then after each of ``delays_s``, the last of which repeats.

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
        """Seconds to wait before each poll, without end."""
        return chain([self.first_wait_s], self.delays_s, repeat(self.delays_s[-1]))


def poll_schedule(
    procedure: Procedure, age_s: float, *, time_scale: float, give_up_after_s: float, chance: float = 0.5
) -> PollSchedule:
    """The schedule of a job that was submitted ``age_s`` seconds ago and of which nothing else is known.

    Args:
        procedure: the best times to look at jobs of its kind.
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
    """The ages at which to look, from this one on: the best first look, then the procedure's own path."""
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
    """The expected lag to aim at, in seconds before the time scale.

    The documented interval says what is good enough: half of it is the mean lag of whoever keeps to it, and a little
    less is ours, for fewer polls. While rows wait for a slot, each second of lag is a slot's idle second: then it is a
    hundredth of the render time.
    """
    usual = _LAG_SHARE * model.poll_interval_s / 2
    return min(usual, _SLOT_LAG_SHARE * mean_s) if is_slot_wanted else usual


def widest_gap_s(model: VideoModel) -> float:
    """The widest gap between polls, in seconds before the time scale: stragglers are not looked at more seldom."""
    return _GAP_INTERVALS * model.poll_interval_s


@dataclass(frozen=True, slots=True)
class Pace:
    """What the settings, the account's rate and the server's intake of events allow together.

    Attributes:
        submits_per_s: new jobs a second.
        in_flight: jobs that may render at the same time.
        max_polls: polls of one job that can be afforded, on average.
        requests_per_s: submits and polls together, as far as the account has a rate.
        events_per_s: what Prefect's server takes in; infinite without Prefect.
        is_slot_bound: whether all jobs in flight end more slowly than new ones could be submitted.
    """

    submits_per_s: float
    in_flight: int
    max_polls: float = math.inf
    requests_per_s: float = math.inf
    events_per_s: float = math.inf
    is_slot_bound: bool = False


def pace_for(
    kinds: Iterable[tuple[VideoModel, int]],
    forecast: Forecast,
    *,
    submit_rate_per_s: float,
    max_in_flight: int,
    requests_per_s: float = math.inf,
    events_per_s: float = math.inf,
) -> Pace:
    """The pace at which submits and polls of a run's jobs stay within every budget.

    Where a budget binds, jobs are looked at less often before they are submitted more slowly: a little more lag costs
    less than idle slots. At least ``_FEWEST_POLLS`` of each job are reckoned with.

    Args:
        kinds: model and seconds of video of each row.
        forecast: what is known of their render times.
        submit_rate_per_s: new jobs a second, at most.
        max_in_flight: jobs that may render at the same time, at most.
        requests_per_s: the account's rate for all requests.
        events_per_s: events that Prefect's server takes in.
    """
    counts: dict[tuple[VideoModel, int], int] = {}
    for kind in kinds:
        counts[kind] = counts.get(kind, 0) + 1
    jobs = sum(counts.values())
    if jobs == 0:
        return Pace(submit_rate_per_s, max_in_flight, math.inf, requests_per_s, events_per_s)
    mean_s = sum(n * forecast.mean_s(*kind) for kind, n in counts.items()) / jobs
    by_events = events_per_s / (EVENTS_PER_SUBMIT + EVENTS_PER_POLL * (_FEWEST_POLLS - 1))
    submits = min(submit_rate_per_s, by_events, requests_per_s / (1 + _FEWEST_POLLS))
    jobs_per_s = min(submits, max_in_flight / mean_s)
    polls = min((events_per_s / jobs_per_s - EVENTS_PER_SUBMIT) / EVENTS_PER_POLL + 1, requests_per_s / jobs_per_s - 1)
    is_slot_bound = max_in_flight / mean_s < submits
    return Pace(submits, max_in_flight, max(polls, _FEWEST_POLLS), requests_per_s, events_per_s, is_slot_bound)
