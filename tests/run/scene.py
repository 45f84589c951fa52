"""One run of one batch around a tiny service, without Prefect and without a clock to wait for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
from pydantic import SecretStr

from dailies.geekhub_client.client import GeekHubClient
from dailies.ledger.entry import LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal import replay
from dailies.ledger.journal_fold import fold_batch
from dailies.ledger.journal_writer import Journal
from dailies.pacing.forecast import Forecast
from dailies.pacing.gate import Gatekeeper
from dailies.pacing.pace import Pace
from dailies.pacing.slots import Slots
from dailies.planning.claim import Claim, claim_rows
from dailies.planning.next_attempt import AttemptPolicy
from dailies.prompts.reader import PromptRow
from dailies.run.context import RunContext, read_jobs
from dailies.run.progress import Progress
from dailies.run.run_rows import PLAIN_STEPS, Steps, run_rows
from dailies.settings import Settings, load_settings
from tests.factories import (
    LIVE_KEY,
    NOW,
    make_file,
    make_row,
    make_terms,
)
from tests.fake_api import FakeApi

ROW = make_row("a")


@dataclass(slots=True)
class Scene:
    """Everything that one run of one batch needs."""

    folder: LedgerFolder
    api: FakeApi
    claim: Claim
    context: RunContext
    journal: Journal

    @property
    def entries(self) -> dict[str, LedgerEntry]:
        """The last attempts on disk, by prompt."""
        return {str(entry.prompt): entry for entry in replay(self.journal.path).latest()}

    @property
    def attempts(self) -> list[tuple[int, str | None, str]]:
        """Every attempt on disk: number, model, status."""
        found = replay(self.journal.path).entries.values()
        return [(entry.attempt, entry.model, str(entry.status)) for entry in sorted(found, key=lambda e: e.key)]

    async def run(self, steps: Steps = PLAIN_STEPS) -> None:
        """Run the batch."""
        (batch,) = self.claim.batches
        await run_rows(self.context, self.journal, batch.rows, steps, asyncio.Event())

    def fold(self) -> list[LedgerEntry]:
        """End the run as it would end itself; what the ledger says then."""
        self.journal.close()
        self.claim.release()
        fold_batch(self.folder, self.journal.path.name, "me")
        return self.folder.entries()


@asynccontextmanager
async def open_scene(
    folder: LedgerFolder,
    api: FakeApi,
    *rows: PromptRow,
    in_flight: int = 100,
    policy: AttemptPolicy | None = None,
    repeat_in_doubt: bool = True,
    **overrides: Any,
) -> AsyncIterator[Scene]:
    """Claim rows, open a run around the service, own its batch."""
    claim = claim_rows(folder, make_file(*rows or [ROW]), make_terms(policy=policy or AttemptPolicy()), NOW)
    settings = fast_settings(**overrides)
    gate = Gatekeeper(Pace(100_000.0, in_flight))
    client = GeekHubClient(
        "https://api.test/v1",
        SecretStr(LIVE_KEY),
        gate=gate,
        repeat_in_doubt=repeat_in_doubt,
        transport=httpx.MockTransport(api),
    )
    progress = Progress(len(rows), claim.plan.worst_mxn)
    forecast = Forecast(settings.time_scale)
    context = RunContext(
        settings, folder, client, gate, progress, Slots(in_flight), forecast, known_jobs=read_jobs(folder)
    )
    (batch,) = claim.batches
    journal = Journal.own(folder.journals / batch.batch_id, "me")
    async with client:
        yield Scene(folder, api, claim, context, journal)
    await journal.settle()
    journal.close()
    claim.release()


def fast_settings(**overrides: Any) -> Settings:
    """A render takes milliseconds, and no run gives up unless the test says so."""
    values = {"fx": {"*": Decimal(20)}, "time_scale": 1e-4, "give_up_after_s": 86_400, **overrides}
    return load_settings(geekhub_api_key=LIVE_KEY, **values)
