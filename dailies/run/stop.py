"""The stop flag of a run: what stops, why, and who or what caused it."""

import asyncio
from enum import Enum, IntEnum, auto

from dailies.ledger.manifest import Manifest


class StopLevel(IntEnum):
    """How much has to stop. A level is only ever raised."""

    GO = 0
    NO_SUBMITS = 1
    EVERYTHING = 2


class StopCause(Enum):
    """Who or what stopped a run; the run's final state in Prefect follows from it."""

    FAULT = auto()
    """An error: the run has failed."""
    REQUEST = auto()
    """A person asked for it: the run is cancelled."""
    TERMINATED = auto()
    """The process got SIGTERM: the run has crashed."""


class Stop:
    """The stop flag that every row of a run checks.

    Attributes:
        level: how much has to stop.
        reason: the first reason at this level: an error, or the words for a person.
        cause: who or what gave that reason; None while nothing has to stop.
    """

    def __init__(self) -> None:
        self.level = StopLevel.GO
        self.reason: BaseException | str | None = None
        self.cause: StopCause | None = None
        self._everything = asyncio.Event()

    def submits(self, reason: BaseException | str) -> None:
        """Stop submitting; the run still polls the jobs it has."""
        self._raise_to(StopLevel.NO_SUBMITS, reason, _cause_of(reason))

    def everything(self, reason: BaseException | str, cause: StopCause | None = None) -> None:
        """Stop submitting and polling. Words without a ``cause`` are the request of a person."""
        self._raise_to(StopLevel.EVERYTHING, reason, cause or _cause_of(reason))
        self._everything.set()

    def _raise_to(self, level: StopLevel, reason: BaseException | str, cause: StopCause) -> None:
        # A worker cancels a run by SIGTERM: a person's request, which is seen later, explains the signal.
        explains = cause is StopCause.REQUEST and self.cause is StopCause.TERMINATED
        if level > self.level or (level == self.level and explains):
            self.level, self.reason, self.cause = level, reason, cause

    @property
    def may_submit(self) -> bool:
        """Whether the run may still create jobs."""
        return self.level < StopLevel.NO_SUBMITS

    @property
    def may_poll(self) -> bool:
        """Whether the run may still poll jobs."""
        return self.level < StopLevel.EVERYTHING

    def may_begin(self, batch: Manifest, *, sees_stop: bool) -> bool:
        """Return whether a batch may begin: when nothing may be submitted, only to poll the jobs it has.

        Args:
            batch: the claimed rows.
            sees_stop: whether the batch sees this flag. One that does not would submit its other rows, too.
        """
        if self.may_submit:
            return True
        return self.may_poll and (batch.jobs > 0 if sees_stop else batch.jobs == len(batch.rows))

    async def wait(self) -> None:
        """Wait until everything has to stop."""
        await self._everything.wait()


def _cause_of(reason: BaseException | str) -> StopCause:
    return StopCause.REQUEST if isinstance(reason, str) else StopCause.FAULT
