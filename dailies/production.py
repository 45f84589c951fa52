"""What the rows of one run share: client, pace, stop flag, progress, and the money's rules."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dailies.catalogue import VideoModel, load_catalogue
from dailies.client import GeekHubClient
from dailies.folder import LedgerFolder
from dailies.manifest import Manifest
from dailies.pacing import Pace, Turns, pace_for
from dailies.pricing import ZERO
from dailies.progress import Progress
from dailies.settings import Settings
from dailies.stopping import Stop

OUTAGE_LIMIT_S = 300.0
"""How long a run waits while the service cannot be reached; rows that are not submitted by then stay planned."""


class Gatekeeper:
    """Pacing put to work: sleeps as long as ``pacing`` says."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self._turns = Turns(pace.submits_per_s)
        self._queue = asyncio.Lock()

    async def turn(self) -> None:
        """Wait for this row's turn to submit."""
        async with self._queue:
            await asyncio.sleep(self._turns.take(_clock()))

    async def ready(self) -> None:
        """Wait until the service wants to hear from us again."""
        # Once more after each sleep: the pause may have been prolonged meanwhile.
        while wait_s := self._turns.paused_for(_clock()):  # noqa: ASYNC110 - there is no event, only time
            await asyncio.sleep(wait_s)

    def pause(self, seconds: float) -> None:
        """The service said 429: everybody waits."""
        self._turns.pause(_clock(), seconds)


def _clock() -> float:
    return asyncio.get_running_loop().time()


@dataclass(slots=True)
class Production:
    """One run's common ground. Made once, handed down, never global.

    Attributes:
        in_flight: a place for each job that may render at the same time.
        answers: submits that are under way; a cancelled row leaves its own here to be finished.
        handed_over: for each batch, set when none of its rows waits for a turn to submit any more.
    """

    settings: Settings
    folder: LedgerFolder
    client: GeekHubClient
    gate: Gatekeeper
    progress: Progress
    in_flight: asyncio.Semaphore
    stop: Stop = field(default_factory=Stop)
    answers: set["asyncio.Task[None]"] = field(default_factory=set)
    handed_over: defaultdict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))

    def now(self) -> datetime:
        """The wall clock, UTC."""
        return datetime.now(UTC)

    async def finish_answers(self, within_s: float = 5.0) -> None:
        """Wait for the answers to requests that are already on their way, so that no id is lost needlessly."""
        if self.answers:
            await asyncio.wait(self.answers, timeout=within_s)


watcher: ContextVar[Callable[[Production], None] | None] = ContextVar("watcher", default=None)
"""Who wants to see the runs that are started in this context; called once, when a run begins."""

shared: ContextVar[Production | None] = ContextVar("shared", default=None)
"""The run that this context belongs to: how a batch in the same process finds what its parent has opened."""


def open_production(settings: Settings, folder: LedgerFolder, batches: Iterable[Manifest]) -> Production:
    """Set a run up. Its client is to be closed by the caller (``async with production.client``).

    Raises:
        SettingsError: there is no key.
    """
    rows = [row for batch in batches for row in batch.rows]
    pace = pace_for(
        _models(row.entry.model for row in rows),
        submit_rate_per_s=settings.submit_rate_per_s,
        max_in_flight=settings.max_in_flight,
        events_per_s=settings.events_per_s,
        time_scale=settings.time_scale,
    )
    gate = Gatekeeper(pace)
    client = GeekHubClient(
        settings.geekhub_base_url,
        settings.require_key(),
        gate=gate,
        timeout_s=settings.request_timeout_s,
        repeat_in_doubt=settings.in_doubt == "repeat",
        outage_limit_s=OUTAGE_LIMIT_S,
    )
    worst = sum((row.entry.worst_mxn or ZERO for row in rows), ZERO)
    return Production(settings, folder, client, gate, Progress(len(rows), worst), asyncio.Semaphore(pace.in_flight))


def _models(ids: Iterable[str | None]) -> list[VideoModel]:
    catalogue = load_catalogue()
    return [catalogue[model] for model in ids if model is not None]
