"""Computes the pace of a run: how many jobs may be in flight, how fast to submit. Pure: no clock."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from dailies.catalogue import VideoModel
from dailies.pacing.forecast import Forecast

_FEWEST_POLLS = 2.0

# What one job costs Prefect's server in events: submit task 3, poll task 3, and 2 for each further poll.
EVENTS_PER_SUBMIT = 6.0
EVENTS_PER_POLL = 2.0


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace that the settings, the account's rate and the Prefect server's event rate allow together.

    Attributes:
        submits_per_s: new jobs a second.
        in_flight: jobs that may render at the same time.
        max_polls: polls of one job that can be afforded, on average.
        requests_per_s: submits and polls together, as far as the account has a rate.
        events_per_s: events that the Prefect server accepts; infinite without Prefect.
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
    """Compute the pace at which submits and polls of a run's jobs stay within every budget.

    Where a budget binds, the run polls less often before it submits more slowly: a little more lag costs less than
    idle slots. The budget allows for at least ``_FEWEST_POLLS`` polls of each job.

    Args:
        kinds: model and seconds of video of each row.
        forecast: the known render times.
        submit_rate_per_s: new jobs a second, at most.
        max_in_flight: jobs that may render at the same time, at most.
        requests_per_s: the account's rate for all requests.
        events_per_s: events that the Prefect server accepts.
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
