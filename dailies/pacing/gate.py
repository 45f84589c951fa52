"""The limiter put to work: whoever wants to send waits here for a turn."""

import asyncio
import heapq
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import count

from dailies.pacing.poll_schedule import Pace
from dailies.pacing.rate_limiter import Limiter

_Turn = asyncio.Future[None]


class Gatekeeper:
    """Hands out turns: submits in the order in which they come, polls of the jobs most likely done first.

    Where both wait they take turns by turns, so that neither starves the other.
    """

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.elsewhere: Callable[[], Awaitable[None]] | None = None
        """Who else has to be asked for each turn to submit: where machines share a rate."""
        self._limiter = Limiter(pace)
        self._submits: deque[_Turn] = deque()
        self._polls: list[tuple[float, int, _Turn]] = []
        self._number = count()
        self._news = asyncio.Event()
        self._porter: asyncio.Task[None] | None = None
        self._was_submit = False

    @property
    def submits_per_s(self) -> float:
        """The rate of new jobs at present: less than the pace's while the service's refusals are made up for."""
        return self._limiter.submits.per_s

    @property
    def submits_waiting(self) -> int:
        """How many rows wait for their turn to submit."""
        return len(self._submits)

    @property
    def words(self) -> str:
        """How fast it goes at present, for people; empty where nothing waits for it."""
        if wait_s := self.paused_for():
            return f"paused for {wait_s:.0f} s, as the service asked"
        if self._submits:
            return f"{self.submits_per_s:.3g} submits/s"
        return f"{len(self._polls)} polls queued" if self._polls else ""

    def paused_for(self) -> float:
        """Seconds for which the service wants to hear nothing, 0 where it does not mind."""
        return self._limiter.paused_for(_clock())

    async def turn(self) -> None:
        """Wait for this row's turn to submit."""
        now = _clock()
        if not self._submits and self._limiter.submit_wait_s(now) == 0:
            self._limiter.submit(now)
        else:
            turn: _Turn = asyncio.get_running_loop().create_future()
            self._submits.append(turn)
            await self._wait(turn)
        if self.elsewhere is not None:
            await self.elsewhere()

    async def look(self, urgency: float) -> None:
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
        """Forget those who were cancelled at the heads of the queues; whether anybody is left."""
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
        """Wait until the service wants to hear from us again; then not all at once."""
        if not self._limiter.paused_for(_clock()):
            return
        # Once more after each sleep: the service may have asked for another pause meanwhile.
        while wait_s := max(self.paused_for(), self._limiter.submits.wait_s(_clock())):  # noqa: ASYNC110 - only time
            await asyncio.sleep(wait_s)
        self._limiter.submits.spend(_clock())

    def pause(self, seconds: float, *, is_poll: bool = False) -> None:
        """The service said 429, to a poll or to a submit: everybody waits."""
        self._limiter.pause(_clock(), seconds, is_poll=is_poll)
        self._news.set()

    def hold(self, seconds: float) -> None:
        """The service cannot be reached: everybody waits, and then goes on as before."""
        self._limiter.hold(_clock(), seconds)
        self._news.set()


def _clock() -> float:
    return asyncio.get_running_loop().time()
