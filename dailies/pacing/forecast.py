"""Forecasts render times: learns them from the ledger, then from the polls of the run. Pure: no clock.

All ages that come in are seconds since the submit as the clock shows them; inside, they are divided by the time scale.
"""

import math
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from dailies.catalogue import VideoModel
from dailies.pacing.poll_times import Procedure, procedure_for
from dailies.pacing.render_estimates import RenderTimes, Sighting, estimate

_KEPT = 1000  # the latest jobs of a group that count
_OWN_AFTER = 40  # jobs of one duration that have ended, until that duration gets its own distribution
_HISTORY_COUNTS = 40.0  # yesterday's jobs count for so many of today's: the provider may have changed
_FIRST_FIT, _GROWTH = 4, 1.5  # a distribution is fitted anew when there are so many jobs, then so many times more


class Past(NamedTuple):
    """A job that ended in an earlier run: its model, seconds of video, and what its polls showed."""

    model: VideoModel
    duration_s: int
    sighting: Sighting


@dataclass(slots=True)
class _Group:
    """The jobs of one model, or of one of its durations, and their last fitted distribution."""

    model: VideoModel
    history: tuple[Sighting, ...] = ()
    ended: deque[Sighting] = field(default_factory=lambda: deque(maxlen=_KEPT))
    open: dict[str, float] = field(default_factory=dict)
    news: int = 0
    fit_at: int = 0
    times: RenderTimes | None = None
    procedures: dict[tuple[float, float], Procedure] = field(default_factory=dict)
    prices: dict[float, float] = field(default_factory=dict)

    def end(self, job_id: str, sighting: Sighting) -> None:
        self.open.pop(job_id, None)
        self.ended.append(sighting)
        self.news += 1

    def fitted(self) -> RenderTimes:
        """Return the distribution; fit it again if enough jobs were added."""
        if self.times is None or self.news >= self.fit_at:
            still_open = (Sighting(age_s) for age_s in self.open.values())
            self.times = estimate(self.model, (*self.history, *self.ended, *still_open))
            self.fit_at = max(_FIRST_FIT, math.ceil(self.news * _GROWTH))
            self.procedures.clear()
        return self.times


class Forecast:
    """The render times of every model and duration, and the best times to poll.

    Args:
        time_scale: factor on the catalogue's times.
        past: jobs of earlier runs.
    """

    def __init__(self, time_scale: float = 1.0, past: Iterable[Past] = ()) -> None:
        self._scale = time_scale
        self._groups: dict[tuple[str, int], _Group] = {}
        known: defaultdict[tuple[str, int], list[Sighting]] = defaultdict(list)
        models: dict[str, VideoModel] = {}
        for job in past:
            models[job.model.id] = job.model
            low_s, high_s, weight = job.sighting
            sighting = Sighting(low_s / time_scale, high_s / time_scale, weight)
            known[job.model.id, 0].append(sighting)
            known[job.model.id, job.duration_s].append(sighting)
        for (model_id, duration_s), sightings in known.items():
            latest = sightings[-_KEPT:]
            weight = min(1.0, _HISTORY_COUNTS / len(latest))
            history = tuple(sighting._replace(weight=weight) for sighting in latest)
            group = self._group(models[model_id], duration_s)
            group.history = history

    def saw_early(self, model: VideoModel, duration_s: int, job_id: str, age_s: float) -> None:
        """Record that a poll found a job unfinished at that age."""
        for group in self._both(model, duration_s):
            group.open[job_id] = age_s / self._scale

    def saw_end(
        self, model: VideoModel, duration_s: int, job_id: str, not_done_at_s: float, done_by_s: float = math.inf
    ) -> None:
        """Record that a poll saw a job done; without ``done_by_s``, the job ended otherwise and was never seen done."""
        sighting = Sighting(not_done_at_s / self._scale, done_by_s / self._scale)
        for group in self._both(model, duration_s):
            group.end(job_id, sighting)

    def times(self, model: VideoModel, duration_s: int) -> RenderTimes:
        """Return the distribution of render times, before the time scale."""
        return self._best(model, duration_s).fitted()

    def mean_s(self, model: VideoModel, duration_s: int) -> float:
        """Return the expected render time in seconds of the clock."""
        return self.times(model, duration_s).mean_s * self._scale

    def procedure(
        self, model: VideoModel, duration_s: int, lag_s: float, max_gap_s: float, max_polls: float = math.inf
    ) -> Procedure:
        """Return the best times to poll for an expected lag; see ``procedure_for``. Seconds before the time scale."""
        group = self._best(model, duration_s)
        times = group.fitted()
        wanted = lag_s, max_polls
        if wanted not in group.procedures:
            found = procedure_for(times, lag_s, max_gap_s, max_polls=max_polls, price=group.prices.get(lag_s))
            group.procedures[wanted] = found
            group.prices[lag_s] = found.lag_price
        return group.procedures[wanted]

    def _best(self, model: VideoModel, duration_s: int) -> _Group:
        own = self._group(model, duration_s)
        return own if len(own.history) + own.news >= _OWN_AFTER else self._group(model, 0)

    def _both(self, model: VideoModel, duration_s: int) -> tuple[_Group, _Group]:
        return self._group(model, 0), self._group(model, duration_s)

    def _group(self, model: VideoModel, duration_s: int) -> _Group:
        key = model.id, duration_s
        if key not in self._groups:
            self._groups[key] = _Group(model)
        return self._groups[key]
