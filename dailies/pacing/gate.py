"""Where every request waits for its turn: the rate limiter at work."""

import asyncio
import heapq
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import count

from dailies.pacing.pace import Pace
from dailies.pacing.rate_limiter import Limiter

_Turn = asyncio.Future[None]


class Gatekeeper:
    """Hands out turns: to submits in the order in which they come, to polls of the jobs most likely done first.

    Where both wait, they alternate, so that neither starves the other.

    Args:
        pace: the rates.
        submit_turn: awaited for each turn to submit, where several machines share a submit rate.
    """

    def __init__(self, pace: Pace, submit_turn: Callable[[], Awaitable[None]] | None = None) -> None:
        self.pace = pace
        self._shared_turn = submit_turn
        self._limiter = Limiter(pace)
        self._submits: deque[_Turn] = deque()
        self._polls: list[tuple[float, int, _Turn]] = []
        self._number = count()
        self._news = asyncio.Event()
        self._porter: asyncio.Task[None] | None = None
        self._was_submit = False

    @property
    def submits_per_s(self) -> float:
        """The present rate of new jobs: below the rate of the pace for a while after a 429."""
        return self._limiter.submits.per_s

    @property
    def submits_waiting(self) -> int:
        """How many rows wait for their turn to submit."""
        return len(self._submits)

    @property
    def words(self) -> str:
        """The present pace in words; empty while nothing waits."""
        if wait_s := self.paused_for():
            return f"paused for {wait_s:.0f} s, as the service asked"
        if self._submits:
            return f"{self.submits_per_s:.3g} submits/s"
        return f"{len(self._polls)} polls queued" if self._polls else ""

    def paused_for(self) -> float:
        """Return the seconds of the pause that the service asked for, 0 if there is none."""
        return self._limiter.paused_for(_clock())

    async def submit_turn(self) -> None:
        """Wait for a turn to submit."""
        now = _clock()
        if not self._submits and self._limiter.submit_wait_s(now) == 0:
            self._limiter.submit(now)
        else:
            turn: _Turn = asyncio.get_running_loop().create_future()
            self._submits.append(turn)
            await self._wait(turn)
        if self._shared_turn is not None:
            await self._shared_turn()

    async def poll_turn(self, urgency: float) -> None:
        """Wait for a turn to poll; the higher the urgency, the sooner."""
        now = _clock()
        if not self._polls and self._limiter.poll_wait_s(now) == 0:
            self._limiter.poll(now)
            return
        turn: _Turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._polls, (-urgency, next(self._number), turn))
        await self._wait(turn)

    async def _wait(self, turn: _Turn) -> None:
        self._news.set()
        # A task that is cancelled before its first step never runs, and so never says that it is done.
        if self._porter is None or self._porter.done():
            self._porter = asyncio.create_task(self._hand_out())
        await turn

    async def _hand_out(self) -> None:
        while self._drop_the_gone():
            now = _clock()
            waits = [self._limiter.submit_wait_s(now)] if self._submits else []
            waits += [self._limiter.poll_wait_s(now)] if self._polls else []
            if min(waits) == 0:
                self._give(now)
                continue
            self._news.clear()
            try:
                async with asyncio.timeout(min(waits)):
                    await self._news.wait()
            except TimeoutError:
                pass

    def _drop_the_gone(self) -> bool:
        """Drop cancelled turns at the heads of the queues; return whether any turn is left."""
        while self._submits and self._submits[0].done():
            self._submits.popleft()
        while self._polls and self._polls[0][2].done():
            heapq.heappop(self._polls)
        return bool(self._submits or self._polls)

    def _give(self, now: float) -> None:
        may_submit = bool(self._submits) and self._limiter.submit_wait_s(now) == 0
        may_poll = bool(self._polls) and self._limiter.poll_wait_s(now) == 0
        self._was_submit = may_submit and not (may_poll and self._was_submit)
        if self._was_submit:
            self._limiter.submit(now)
            self._submits.popleft().set_result(None)
        else:
            self._limiter.poll(now)
            heapq.heappop(self._polls)[2].set_result(None)

    async def ready(self) -> None:
        """Wait until the pause that the service asked for is over; then let requests go one after the other."""
        if not self._limiter.paused_for(_clock()):
            return
        # Once more after each sleep: the service may have asked for another pause meanwhile.
        while wait_s := max(self.paused_for(), self._limiter.submits.wait_s(_clock())):  # noqa: ASYNC110 - only time
            await asyncio.sleep(wait_s)
        self._limiter.submits.spend(_clock())

    def pause(self, seconds: float, *, is_poll: bool = False) -> None:
        """Let every request wait: the service answered 429 to a poll or to a submit."""
        self._limiter.pause(_clock(), seconds, is_poll=is_poll)
        self._news.set()

    def hold(self, seconds: float) -> None:
        """Let every request wait while the service cannot be reached; the rates stay as they are."""
        self._limiter.hold(_clock(), seconds)
        self._news.set()


def _clock() -> float:
    return asyncio.get_running_loop().time()
