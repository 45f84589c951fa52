"""CSV -> claim -> batches -> ledger -> results."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import deployment, flow_run
from pydantic import Field, WithJsonSchema

from dailies.errors import FencedError, LedgerError, SettingsError
from dailies.ledger.folder import open_ledger
from dailies.ledger.journal_fold import fold_batch
from dailies.ledger.manifest import Manifest
from dailies.mirror.open_target import require_target
from dailies.planning.claim import Claim, claim_rows
from dailies.planning.options import RunOptions
from dailies.planning.outcome import read_outcome
from dailies.planning.submit_order import Order
from dailies.planning.terms import ask_balance, terms_from
from dailies.prompts.sources.source_names import refuse_stdin
from dailies.report.results import keep_results
from dailies.run.context import Production, open_claim, shared, watcher
from flows.batch import batch
from flows.cancellation import heeding
from flows.deliver import deliver, delivered
from flows.fan_out import shoot_elsewhere
from flows.final_states import SUPERSEDED, closing_words, final_state
from tasks.artifacts import tell_outcome, tell_plan, tell_progress
from tasks.credentials import load_run_settings

# The schema is what the UI's run form shows; a deployment is held to it, so that it must be given a number.
Mxn = Annotated[
    Decimal | None,
    Field(ge=0, max_digits=18, decimal_places=6),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1e9}),
]
RowLimit = Annotated[int | None, Field(ge=1), WithJsonSchema({"type": "integer", "minimum": 1})]
Csv = Annotated[str, Field(min_length=1, max_length=4096)]
MoreCsv = Annotated[list[Csv], Field(max_length=1000)]
BatchIds = Annotated[list[str], Field(max_length=1000)]


@flow(name="generate", flow_run_name="{csv}", retries=0, persist_result=False)
async def generate(
    csv: Csv,
    max_cost_mxn: Mxn,
    max_month_mxn: Mxn = None,
    fit: bool = False,
    skip_bad_rows: bool = False,
    retry_failed: bool = False,
    limit: RowLimit = None,
    approved_mxn: Mxn = None,
    take_over: BatchIds = [],  # noqa: B006 - never changed; None would make the run form ask for its type
    fan_out: bool = False,
    template: Annotated[str, Field(max_length=4000)] = "",
    order: Order = "file",
    more_csv: MoreCsv = [],  # noqa: B006 - as take_over
    mirror_to: Annotated[str, Field(max_length=1024)] = "",
) -> State[Any]:
    """Make the videos of a CSV of prompts, and an exact account of what each one cost.

    Args:
        csv: The prompts: a path that the worker sees, relative to the project's folder, a URL, or a pattern of either.
        max_cost_mxn: What this run may cost at worst, in MXN. Beyond it the run is refused before anything is spent.
        max_month_mxn: What the month may come to, in MXN: charged so far plus everything that is open.
        fit: Take rows in order until a cap is reached, instead of refusing the run.
        skip_bad_rows: Note rows that cannot be read as rejected, instead of refusing the file.
        retry_failed: Give rows that ended as failed a new round.
        limit: Only the first so many rows of the file.
        approved_mxn: The worst case that a person has seen and agreed to, in MXN.
        take_over: Batches of hanging runs, whose rows are taken from them.
        fan_out: Run each batch as a deployment of its own on the work pool, instead of all of them in this process.
        template: The prompt of rows that have none of their own; {name} is filled in from the column meta.name.
        more_csv: Further files, read after the first one.
        mirror_to: Where the finished videos are copied: a folder, or supabase://bucket/prefix.
        order: As the file says, or slow models first, so that a run does not end with a long wait for a few.
    """
    options = RunOptions.chosen(
        locals(), sources=(csv, *more_csv), take_over=tuple(take_over), template=template or None
    )
    settings = await load_run_settings(**options.overrides)
    if deployment.id and max_cost_mxn is None:
        raise SettingsError("A deployment must be given max_cost_mxn: nobody is there to look at the plan.")
    refuse_stdin(options.sources)
    whole = options.read(settings)
    prompts = whole.first(limit)
    folder = open_ledger(settings)
    terms = terms_from(settings, options, balance=await ask_balance(settings, folder))
    await require_target(settings)
    claim = await asyncio.to_thread(claim_rows, folder, prompts, terms, datetime.now(UTC), str(flow_run.id))
    production = open_claim(settings, folder, claim)
    async with _stage(production, claim):
        await tell_plan(claim.plan)
        await (shoot_elsewhere if fan_out else _shoot_here)(production, claim.batches)
    outcome = read_outcome(folder, whole, terms.policy)
    results = keep_results(settings, outcome)
    outcome = outcome.first(limit)
    complaint = await deliver(folder, outcome, settings) if production.stop.may_poll else ""
    await tell_outcome(outcome, str(results), closing_words(production.stop, outcome))
    return delivered(final_state(production.stop, claim, outcome, settings.max_failed_ratio), complaint)


@contextlib.asynccontextmanager
async def _stage(production: Production, claim: Claim) -> AsyncIterator[None]:
    """What stands around the batches: the client, the wish to stop, the progress; then the last fold."""
    if watch := watcher.get():
        watch(production)
    token = shared.set(production)
    progress = asyncio.create_task(tell_progress(production))
    try:
        async with production.client, heeding(production, str(flow_run.id)):
            yield
    finally:
        progress.cancel()
        await asyncio.gather(progress, return_exceptions=True)
        shared.reset(token)
        await asyncio.to_thread(_fold_the_rest, production, claim, str(flow_run.id))


def _fold_the_rest(production: Production, claim: Claim, who: str) -> None:
    """Batches that never began, or could not fold themselves. What cannot be folded stays for the next run."""
    try:
        for manifest in claim.batches:
            fold_batch(production.folder, manifest.batch_id, who)
    except (LedgerError, OSError) as error:
        production.stop.everything(error)
    finally:
        claim.release()


async def _shoot_here(production: Production, batches: Iterable[Manifest]) -> None:
    """One batch submits at a time; those before it may still be polling, so nothing idles behind stragglers.

    When nothing may be submitted any more, batches that have jobs to collect begin all the same.
    """
    children: list[asyncio.Future[State[Any]]] = []
    for manifest in batches:
        stop = production.stop
        if not (stop.may_submit or (stop.may_poll and manifest.jobs)):
            continue
        child = asyncio.ensure_future(batch(manifest.batch_id, return_state=True))
        children.append(child)
        handed_over = asyncio.create_task(production.handed_over[manifest.batch_id].wait())
        await asyncio.wait([child, handed_over], return_when=asyncio.FIRST_COMPLETED)
        handed_over.cancel()
    for state in await asyncio.gather(*children):
        if state.name == SUPERSEDED:
            production.stop.everything(FencedError(state.message or SUPERSEDED))
        elif not state.is_completed() and production.stop.reason is None:  # a defect
            production.stop.everything(await state.aresult(raise_on_failure=False))
