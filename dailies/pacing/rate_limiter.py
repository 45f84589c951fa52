"""One limiter for all submits and polls of a process. Pure: the caller passes the time and does the waiting.

A 429 pauses every request for as long as the service says. The refused kind of request (submits or polls) then
continues at half its rate and recovers in even steps: big ones up to just below the refused rate, small ones after it.
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
_LATE_S = 0.1  # a request that wakes up so late does not delay the next ones


class Rate:
    """Turns at a rate. The turns of ``burst_s`` seconds may come at once; other unused time is lost."""

    def __init__(self, per_s: float, burst_s: float = 0.0) -> None:
        self.per_s = per_s
        self._burst_s = burst_s
        self._next_at = -math.inf

    def wait_s(self, now: float) -> float:
        """Return the seconds until the next turn."""
        return max(0.0, self._next_at - self._burst_s - now)

    def spend(self, now: float, turns: float = 1.0) -> None:
        """Take so many turns."""
        due_at = self._next_at if now - self._next_at <= _LATE_S else now
        self._next_at = due_at + turns / self.per_s


class AdaptiveRate(Rate):
    """A rate that halves after a refusal and recovers additively.

    Args:
        per_s: the full rate; if it is unknown, infinite: the first refused rate replaces it.
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
        """Slow down: one of the turns was refused."""
        if math.isinf(self._full_per_s):
            self._full_per_s = self.per_s = 2 * self._measured_per_s(now)
        if len(self._latest) == _MEASURED:  # the rate may allow more than was used
            self.per_s = min(self.per_s, self._measured_per_s(now))
        self._refused_per_s = self.per_s
        self.per_s = max(self.per_s / 2, min(self.per_s, self._full_per_s * _FLOOR))
        self._calm = 0

    def _measured_per_s(self, now: float) -> float:
        took_s = now - self._latest[0] if self._latest else 0.0
        return max(len(self._latest), 1) / max(took_s, 1.0)


class Limiter:
    """The limits of a process: its submit rate, the account's rate, the events that Prefect's server accepts."""

    def __init__(self, pace: Pace) -> None:
        self.submits = AdaptiveRate(pace.submits_per_s)
        self.polls = AdaptiveRate(math.inf)
        self._requests = Rate(pace.requests_per_s)
        self._events = Rate(pace.events_per_s, _EVENTS_BURST_S)
        self._paused_until = -math.inf

    def paused_for(self, now: float) -> float:
        """Return the remaining seconds of the pause, 0 if there is none."""
        return max(0.0, self._paused_until - now)

    def submit_wait_s(self, now: float) -> float:
        """Return the seconds until the next submit may be sent."""
        return max(self._common_wait_s(now), self.submits.wait_s(now))

    def poll_wait_s(self, now: float) -> float:
        """Return the seconds until the next poll may be sent."""
        return max(self._common_wait_s(now), self.polls.wait_s(now))

    def _common_wait_s(self, now: float) -> float:
        return max(self.paused_for(now), self._requests.wait_s(now), self._events.wait_s(now))

    def submit(self, now: float) -> None:
        """Take a turn to submit."""
        self.submits.spend(now)
        self._requests.spend(now)
        self._events.spend(now, EVENTS_PER_SUBMIT)

    def poll(self, now: float) -> None:
        """Take a turn to poll."""
        self.polls.spend(now)
        self._requests.spend(now)
        self._events.spend(now, EVENTS_PER_POLL)

    def pause(self, now: float, seconds: float, *, is_poll: bool = False) -> None:
        """Pause every request and slow down. Several refusals of one burst slow down only once."""
        if self.paused_for(now) == 0:
            (self.polls if is_poll else self.submits).refused(now)
        self.hold(now, seconds)

    def hold(self, now: float, seconds: float) -> None:
        """Pause every request; afterwards the rates are as before."""
        self._paused_until = max(self._paused_until, now + seconds)
