"""CSV -> claim -> batches -> ledger -> results."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from prefect import flow, get_client
from prefect.client.schemas.objects import State
from prefect.runtime import deployment, flow_run
from pydantic import Field

from dailies.claim import Claim, claim_rows
from dailies.errors import LedgerError, SettingsError
from dailies.fold import fold_batch
from dailies.folder import LedgerFolder
from dailies.production import Production, open_production, shared, watcher
from dailies.prompts import read_prompts
from dailies.report.outcome import read_outcome
from dailies.report.results import write_results
from dailies.settings import load_settings
from dailies.terms import ask_balance, terms_from
from flows.batch import batch
from flows.states import closing_words, final_state
from tasks.tell import tell_outcome, tell_progress

_WATCH_EVERY_S = 10.0
Mxn = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=6)]


@flow(name="generate", flow_run_name="{csv}", retries=0, persist_result=False)
async def generate(
    csv: str,
    max_cost_mxn: Mxn | None = None,
    max_month_mxn: Mxn | None = None,
    fit: bool = False,
    skip_bad_rows: bool = False,
    retry_failed: bool = False,
    limit: Annotated[int, Field(ge=1)] | None = None,
    approved_mxn: Mxn | None = None,
    take_over: list[str] | None = None,
) -> State[Any]:
    """Make the videos of a CSV of prompts, and an exact account of what each one cost.

    Args:
        csv: the file.
        max_cost_mxn: what this run may cost at worst, in MXN; a deployment must be given it.
        max_month_mxn: what the month may come to: charged so far plus everything that is open.
        fit: take rows in order until a cap is reached, instead of refusing the run.
        skip_bad_rows: note rows that cannot be read as rejected, instead of refusing the file.
        retry_failed: give rows that ended as failed a new round.
        limit: only the first so many rows of the file.
        approved_mxn: the worst case that a person has seen and agreed to.
        take_over: batches of hanging runs whose rows are taken from them.
    """
    settings = load_settings(max_cost_mxn=max_cost_mxn, max_month_mxn=max_month_mxn)
    if deployment.id and settings.max_cost_mxn is None:
        raise SettingsError("A deployment must be given max_cost_mxn: nobody is there to look at the plan.")
    whole = read_prompts(csv, default_model=settings.default_model, skip_bad_rows=skip_bad_rows)
    prompts = whole.first(limit)
    folder = LedgerFolder.open(settings.ledger_path, settings.service)
    terms = terms_from(
        settings,
        balance_mxn=await ask_balance(settings),
        fit=fit,
        retry_failed=retry_failed,
        approved_mxn=approved_mxn,
        take_over=take_over or (),
    )
    claim = await asyncio.to_thread(claim_rows, folder, prompts, terms, datetime.now(UTC), str(flow_run.id))
    production = open_production(settings, folder, claim.batches)
    async with _stage(production, claim):
        await _shoot(production, claim)
    outcome = read_outcome(folder, whole, settings.tariff, terms.policy, datetime.now(UTC))
    results = settings.results_path(prompts.source)
    write_results(results, outcome)
    outcome = outcome.first(limit)
    await tell_outcome(outcome, str(results), closing_words(production.stop, outcome))
    return final_state(production.stop, claim, outcome, settings.max_failed_ratio)


@contextlib.asynccontextmanager
async def _stage(production: Production, claim: Claim) -> AsyncIterator[None]:
    """What stands around the batches: the client, the watcher of this run's state, the progress; then the last fold."""
    if watch := watcher.get():
        watch(production)
    token = shared.set(production)
    beside = [asyncio.create_task(_stop_when_cancelled(production)), asyncio.create_task(tell_progress(production))]
    try:
        async with production.client:
            yield
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        shared.reset(token)
        _fold_the_rest(production, claim)


def _fold_the_rest(production: Production, claim: Claim) -> None:
    """Batches that never began, or could not fold themselves. What cannot be folded stays for the next run."""
    try:
        for manifest in claim.batches:
            fold_batch(production.folder, manifest.batch_id, str(flow_run.id))
    except (LedgerError, OSError) as error:
        production.stop.everything(error)
    finally:
        claim.release()


async def _shoot(production: Production, claim: Claim) -> None:
    """One batch submits at a time; those before it may still be polling, so nothing idles behind stragglers."""
    children: list[asyncio.Future[State[str]]] = []
    for manifest in claim.batches:
        if not production.stop.may_poll:
            break
        child = asyncio.ensure_future(batch(manifest.batch_id, return_state=True))
        children.append(child)
        handed_over = asyncio.create_task(production.handed_over[manifest.batch_id].wait())
        await asyncio.wait([child, handed_over], return_when=asyncio.FIRST_COMPLETED)
        handed_over.cancel()
    states = await asyncio.gather(*children)
    for state in states:
        if not state.is_completed():
            production.stop.everything(str(state.message))


async def _stop_when_cancelled(production: Production) -> None:
    async with get_client() as client:
        while True:
            await asyncio.sleep(_WATCH_EVERY_S)
            with contextlib.suppress(Exception):
                run = await client.read_flow_run(flow_run.id)
                if run.state and (run.state.is_cancelling() or run.state.is_cancelled()):
                    production.stop.everything("the run was cancelled")
