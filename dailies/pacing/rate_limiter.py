"""Who may send when: one limiter for all submits and polls of a process. Pure: whoever calls brings the time and waits.

A refusal (429) pauses everybody for as long as the service says. What was refused, submits or polls, then goes on at
half its rate and gets it back by even steps: big ones up to just below the rate that was refused, small ones after.
"""

import math
from collections import deque

from dailies.pacing.pace import EVENTS_PER_POLL, EVENTS_PER_SUBMIT, Pace

_CALM = 10  # undisturbed turns for each step
_STEPS = 10  # big steps to the full rate
_NEAR = 0.9  # of the rate that was refused last: from there on by small steps
_FLOOR = 1 / 16
_MEASURED = 20  # turns over which the rate of what had none is measured
_EVENTS_BURST_S = 2.0
_LATE_S = 0.1  # whoever wakes up so much too late does not put off all others


class Rate:
    """Turns at a rate; those of ``burst_s`` seconds may come at once, otherwise unused time is not saved up."""

    def __init__(self, per_s: float, burst_s: float = 0.0) -> None:
        self.per_s = per_s
        self._burst_s = burst_s
        self._next_at = -math.inf

    def wait_s(self, now: float) -> float:
        """Seconds until there is a turn."""
        return max(0.0, self._next_at - self._burst_s - now)

    def spend(self, now: float, turns: float = 1.0) -> None:
        """Take so many turns."""
        due_at = self._next_at if now - self._next_at <= _LATE_S else now
        self._next_at = due_at + turns / self.per_s


class AdaptiveRate(Rate):
    """A rate that gives way when it is refused, and recovers additively.

    Args:
        per_s: the full rate; infinite where none is known: then the one that was refused takes its place.
    """

    def __init__(self, per_s: float) -> None:
        super().__init__(per_s)
        self._full_per_s = per_s
        self._refused_per_s = math.inf
        self._calm = 0
        self._latest: deque[float] = deque(maxlen=_MEASURED)

    def spend(self, now: float, turns: float = 1.0) -> None:
        """Take so many turns."""
        super().spend(now, turns)
        self._latest.append(now)
        self._calm += 1
        if self._calm % _CALM == 0 and self.per_s < self._full_per_s:
            self._recover()

    def _recover(self) -> None:
        step, near = self._full_per_s / _STEPS, _NEAR * self._refused_per_s
        if self.per_s < near:
            self.per_s = min(self.per_s + step, max(near, self.per_s + step / _STEPS))
        else:
            self.per_s += step / _STEPS
        self.per_s = min(self.per_s, self._full_per_s)

    def refused(self, now: float) -> None:
        """One of the turns was too early."""
        if math.isinf(self._full_per_s):
            self._full_per_s = self.per_s = 2 * self._measured_per_s(now)
        if len(self._latest) == _MEASURED:  # it may have been allowed more than it used
            self.per_s = min(self.per_s, self._measured_per_s(now))
        self._refused_per_s = self.per_s
        self.per_s = max(self.per_s / 2, min(self.per_s, self._full_per_s * _FLOOR))
        self._calm = 0

    def _measured_per_s(self, now: float) -> float:
        took_s = now - self._latest[0] if self._latest else 0.0
        return max(len(self._latest), 1) / max(took_s, 1.0)


class Limiter:
    """What a process may send: its submit rate, the account's rate, the events that Prefect's server takes in."""

    def __init__(self, pace: Pace) -> None:
        self.submits = AdaptiveRate(pace.submits_per_s)
        self.polls = AdaptiveRate(math.inf)
        self._requests = Rate(pace.requests_per_s)
        self._events = Rate(pace.events_per_s, _EVENTS_BURST_S)
        self._paused_until = -math.inf

    def paused_for(self, now: float) -> float:
        """Seconds that everybody still has to wait, 0 where there is no pause."""
        return max(0.0, self._paused_until - now)

    def submit_wait_s(self, now: float) -> float:
        """Seconds until the next job may be submitted."""
        return max(self._common_wait_s(now), self.submits.wait_s(now))

    def poll_wait_s(self, now: float) -> float:
        """Seconds until the next job may be looked at."""
        return max(self._common_wait_s(now), self.polls.wait_s(now))

    def _common_wait_s(self, now: float) -> float:
        return max(self.paused_for(now), self._requests.wait_s(now), self._events.wait_s(now))

    def submit(self, now: float) -> None:
        """Take a turn to submit."""
        self.submits.spend(now)
        self._requests.spend(now)
        self._events.spend(now, EVENTS_PER_SUBMIT)

    def poll(self, now: float) -> None:
        """Take a turn to look at a job."""
        self.polls.spend(now)
        self._requests.spend(now)
        self._events.spend(now, EVENTS_PER_POLL)

    def pause(self, now: float, seconds: float, *, is_poll: bool = False) -> None:
        """Nobody sends before ``seconds`` have passed. Several refusals of one burst slow down once."""
        if self.paused_for(now) == 0:
            (self.polls if is_poll else self.submits).refused(now)
        self.hold(now, seconds)

    def hold(self, now: float, seconds: float) -> None:
        """Nobody sends before ``seconds`` have passed; then everything goes on as before."""
        self._paused_until = max(self._paused_until, now + seconds)
