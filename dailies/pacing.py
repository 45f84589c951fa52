"""Pacing: how fast to submit, how much to have in flight, when to poll. Pure: no clock, no sleep.

Whoever calls brings the time (seconds of a monotonic clock) and does the waiting.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from dailies.catalogue import VideoModel

# What one job costs Prefect's server in events: submit task 3, poll task 3, and 2 for each further poll.
_EVENTS_PER_JOB = 6
_EVENTS_PER_POLL = 2
_MAX_RETRIES = 10_000


@dataclass(frozen=True, slots=True)
class PollSchedule:
    """When to look at one job: first after ``first_wait_s``, then every ``interval_s``, at most ``retries`` times more.

    Attributes:
        first_wait_s: seconds from now until the first poll.
        interval_s: seconds between polls.
        retries: polls after the first one until the deadline is surely past.
        deadline_s: seconds from now after which the job is left to the next run.
    """

    first_wait_s: float
    interval_s: float
    retries: int
    deadline_s: float


def poll_schedule(model: VideoModel, age_s: float, *, time_scale: float, give_up_after_s: float) -> PollSchedule:
    """The schedule of a job that was submitted ``age_s`` seconds ago.

    Nothing is asked before the low end of the model's typical render time; then the documented interval applies
    (GeekHub's page "Video models"). All three scale with ``time_scale``.
    """
    low = model.typical_render_s[0] * time_scale
    first = min(max(low - age_s, 0.0), low)
    interval = model.poll_interval_s * time_scale
    deadline = first + give_up_after_s * time_scale
    retries = min(math.ceil((deadline - first) / interval) + 1, _MAX_RETRIES)
    return PollSchedule(first, interval, retries, deadline)


class Turns:
    """Who may submit when: evenly spaced turns at a rate, and a pause for all when the service asks for one.

    After a pause the rate is halved; every ten undisturbed turns give a tenth of the full rate back.
    """

    def __init__(self, rate_per_s: float) -> None:
        self.rate_per_s = rate_per_s
        self._full_rate_per_s = rate_per_s
        self._next_at = -math.inf
        self._paused_until = -math.inf
        self._calm = 0

    def take(self, now: float) -> float:
        """Take the next turn; returns the seconds to wait for it."""
        at = max(now, self._next_at)
        self._next_at = at + 1 / self.rate_per_s
        self._calm += 1
        if self._calm % 10 == 0:
            self.rate_per_s = min(self._full_rate_per_s, self.rate_per_s + self._full_rate_per_s / 10)
        return at - now

    def paused_for(self, now: float) -> float:
        """Seconds that everybody still has to wait, 0 where there is no pause."""
        return max(0.0, self._paused_until - now)

    def pause(self, now: float, seconds: float) -> None:
        """Nobody sends before ``seconds`` have passed; new jobs are then submitted more slowly.

        Several refusals of one burst slow it down once.
        """
        if self.paused_for(now) == 0:
            self.rate_per_s = max(self.rate_per_s / 2, self._full_rate_per_s / 16)
        self._paused_until = max(self._paused_until, now + seconds)
        self._next_at = max(self._next_at, self._paused_until)
        self._calm = 0


@dataclass(frozen=True, slots=True)
class Pace:
    """What the settings and the server's intake of events allow.

    Attributes:
        submits_per_s: new jobs a second.
        in_flight: jobs that may render at the same time.
    """

    submits_per_s: float
    in_flight: int


def pace_for(
    models: Iterable[VideoModel],
    *,
    submit_rate_per_s: float,
    max_in_flight: int,
    events_per_s: float,
    time_scale: float,
) -> Pace:
    """Half of the event budget pays for new jobs, half for the polls of those in flight."""
    counts = Counter(models)
    jobs = counts.total()
    if jobs == 0:
        return Pace(submit_rate_per_s, max_in_flight)
    polls_per_s = sum(n / (model.poll_interval_s * time_scale) for model, n in counts.items()) / jobs
    affordable = int(events_per_s / 2 / (_EVENTS_PER_POLL * polls_per_s))
    submits = min(submit_rate_per_s, events_per_s / 2 / _EVENTS_PER_JOB)
    return Pace(submits, max(1, min(max_in_flight, affordable)))
