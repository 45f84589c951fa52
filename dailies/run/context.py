"""Shared state of one run: client, pace, stop flag, progress, settings."""

import asyncio
import math
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from dailies.geekhub_client.client import GeekHubClient
from dailies.ledger.entry import LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.manifest import Manifest
from dailies.ledger.ordered_model import ordered_model
from dailies.pacing.forecast import Forecast
from dailies.pacing.gate import Gatekeeper
from dailies.pacing.history import read_past
from dailies.pacing.pace import pace_for
from dailies.pacing.slots import Slots
from dailies.pricing import ZERO
from dailies.run.progress import Progress
from dailies.run.stop import Stop
from dailies.settings import Settings

OUTAGE_LIMIT_S = 300.0
"""Seconds for which a run waits while the service cannot be reached; rows not submitted by then stay planned."""

_NO_JOBS = pa.schema([("job_id", pa.string()), ("row_key", pa.string()), ("attempt", pa.int32())])


@dataclass(slots=True)
class RunContext:
    """The state that all rows of one run share. It is created once and passed down; it is never global.

    Attributes:
        slots: a place for each job that may render at the same time.
        forecast: the known render times; it learns from this run's polls.
        answers: submits that are under way; a cancelled row leaves its own here, and the run finishes it.
        known_jobs: the jobs of the ledger when the run began.
        job_owners: the attempt that each job id of this run belongs to.
        submitted: for each batch, set when none of its rows waits for a turn to submit.
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
    known_jobs: pa.Table = field(default_factory=_NO_JOBS.empty_table)
    job_owners: dict[str, tuple[str, int]] = field(default_factory=dict)
    submitted: defaultdict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))

    def now(self) -> datetime:
        """Read the wall clock, UTC."""
        return datetime.now(UTC)

    def owner_of_job(self, job_id: str, entry: LedgerEntry) -> tuple[str, int]:
        """Return the attempt that a job id belongs to: the first one that got it, in this run or the ledger."""
        place = -1 if job_id in self.job_owners else pc.index(self.known_jobs["job_id"], job_id).as_py()
        if place >= 0:
            known = self.known_jobs.slice(place, 1)
            self.job_owners[job_id] = known["row_key"][0].as_py(), known["attempt"][0].as_py()
        return self.job_owners.setdefault(job_id, entry.key)

    async def finish_answers(self, within_s: float = 5.0) -> None:
        """Wait for the answers to requests that are already on their way, so that no id is lost needlessly."""
        if self.answers:
            await asyncio.wait(self.answers, timeout=within_s)


watcher: ContextVar[Callable[[RunContext], None] | None] = ContextVar("watcher", default=None)
"""Called once with each run that begins in this context."""

shared: ContextVar[RunContext | None] = ContextVar("shared", default=None)
"""The run in this process that a batch belongs to: the batch uses what its parent has opened."""


def open_run(
    settings: Settings,
    folder: LedgerFolder,
    batches: Iterable[Manifest],
    *,
    stop: Stop | None = None,
    submit_turn: Callable[[], Awaitable[None]] | None = None,
    in_prefect: bool = True,
) -> RunContext:
    """Set up a run. The caller closes its client (``async with context.client``).

    Args:
        settings: the account, the pace and the deadlines.
        folder: the ledger; its history shows how long models render.
        batches: the claimed batches.
        stop: the flag that ends the run early.
        submit_turn: awaited for each turn to submit, where several machines share a submit rate.
        in_prefect: whether each step is a Prefect task, which sends events to the Prefect server.

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
    gate = Gatekeeper(pace, submit_turn)
    client = GeekHubClient.of(
        settings,
        gate=gate,
        repeat_in_doubt=settings.in_doubt == "repeat",
        outage_limit_s=OUTAGE_LIMIT_S,
    )
    worst = sum((row.entry.worst_mxn or ZERO for row in rows), ZERO)
    slots = Slots(pace.in_flight, settings.max_in_flight_of)
    progress = Progress(len(rows), worst, lambda: gate.words)
    return RunContext(
        settings, folder, client, gate, progress, slots, forecast, stop or Stop(), known_jobs=read_jobs(folder)
    )


def read_jobs(folder: LedgerFolder) -> pa.Table:
    """Read the jobs of the ledger, each with its row and attempt.

    Raises:
        LedgerError: a file cannot be read.
    """
    return folder.scan(_NO_JOBS.names, pc.field("job_id").is_valid())
