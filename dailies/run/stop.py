"""The one stop flag of a run: what stops it, how hard, and why."""

import asyncio
from enum import IntEnum


class StopLevel(IntEnum):
    """How much has to stop. A level is only ever raised."""

    GO = 0
    NO_SUBMITS = 1
    EVERYTHING = 2


class Stop:
    """Set once by whoever finds a reason; seen by every row."""

    def __init__(self) -> None:
        self.level = StopLevel.GO
        self.reason: BaseException | str | None = None
        self._everything = asyncio.Event()

    def submits(self, reason: BaseException | str) -> None:
        """Nothing new is submitted; what is rendering is still collected."""
        self._raise_to(StopLevel.NO_SUBMITS, reason)

    def everything(self, reason: BaseException | str) -> None:
        """Nothing is sent any more."""
        self._raise_to(StopLevel.EVERYTHING, reason)
        self._everything.set()

    def _raise_to(self, level: StopLevel, reason: BaseException | str) -> None:
        if level > self.level:
            self.level, self.reason = level, reason

    @property
    def may_submit(self) -> bool:
        """Whether new jobs may still be made."""
        return self.level < StopLevel.NO_SUBMITS

    @property
    def may_poll(self) -> bool:
        """Whether jobs may still be looked at."""
        return self.level < StopLevel.EVERYTHING

    async def wait(self) -> None:
        """Until everything has to stop."""
        await self._everything.wait()
