"""What the rows of one run share: client, pace, stop flag, progress, and the money's rules."""

import asyncio
import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from dailies.geekhub_client.client import GeekHubClient
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.manifest import Manifest
from dailies.ledger.ordered_model import ordered_model
from dailies.pacing.forecast import Forecast
from dailies.pacing.gate import Gatekeeper
from dailies.pacing.history import read_past
from dailies.pacing.poll_schedule import pace_for
from dailies.pacing.slots import Slots
from dailies.pricing import ZERO
from dailies.run.progress import Progress
from dailies.run.stop import Stop
from dailies.settings import Settings

OUTAGE_LIMIT_S = 300.0
"""How long a run waits while the service cannot be reached; rows that are not submitted by then stay planned."""


@dataclass(slots=True)
class Production:
    """One run's common ground. Made once, handed down, never global.

    Attributes:
        slots: a place for each job that may render at the same time.
        forecast: what is known of render times; it learns from this run's polls.
        answers: submits that are under way; a cancelled row leaves its own here to be finished.
        handed_over: for each batch, set when none of its rows waits for a turn to submit any more.
    """

    settings: Settings
    folder: LedgerFolder
    client: GeekHubClient
    gate: Gatekeeper
    progress: Progress
    slots: Slots
    forecast: Forecast = field(default_factory=Forecast)
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


class Claimed(Protocol):
    """Batches that nobody else may work on."""

    @property
    def batches(self) -> tuple[Manifest, ...]:
        """Their manifests, in order."""

    def release(self) -> None:
        """Let go of them."""


def open_claim(settings: Settings, folder: LedgerFolder, claim: Claimed, *, in_prefect: bool = True) -> Production:
    """Set a run up for what it has claimed, or let go of that, so that whoever comes next can have it.

    Raises:
        SettingsError, LedgerError: as ``open_production``.
    """
    try:
        return open_production(settings, folder, claim.batches, in_prefect=in_prefect)
    except BaseException:
        claim.release()
        raise


def open_production(
    settings: Settings, folder: LedgerFolder, batches: Iterable[Manifest], *, in_prefect: bool = True
) -> Production:
    """Set a run up. Its client is to be closed by the caller (``async with production.client``).

    Args:
        settings: how fast, how many, how long.
        folder: whose history tells how long models render.
        batches: what was claimed.
        in_prefect: whether each step is a Prefect task, whose events its server has to take in.

    Raises:
        SettingsError: there is no key.
        LedgerError: the ledger cannot be read.
    """
    rows = [row for batch in batches for row in batch.rows]
    kinds = [(ordered_model(row.entry), row.entry.duration_s or 0) for row in rows]
    past = read_past(folder, {model.id for model, _ in kinds}, datetime.now(UTC))
    forecast = Forecast(settings.time_scale, past)
    pace = pace_for(
        kinds,
        forecast,
        submit_rate_per_s=settings.submit_rate_per_s,
        max_in_flight=settings.max_in_flight,
        requests_per_s=settings.requests_per_s or math.inf,
        events_per_s=settings.events_per_s if in_prefect else math.inf,
    )
    gate = Gatekeeper(pace)
    client = GeekHubClient.of(
        settings,
        gate=gate,
        repeat_in_doubt=settings.in_doubt == "repeat",
        outage_limit_s=OUTAGE_LIMIT_S,
    )
    worst = sum((row.entry.worst_mxn or ZERO for row in rows), ZERO)
    slots = Slots(pace.in_flight, settings.max_in_flight_of)
    progress = Progress(len(rows), worst)
    progress.pace = lambda: gate.words
    return Production(settings, folder, client, gate, progress, slots, forecast)
