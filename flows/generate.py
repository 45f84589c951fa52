"""The main flow: CSV -> claim -> batches -> ledger -> results."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import deployment, flow_run
from pydantic import Field, WithJsonSchema

from dailies.errors import FencedError, LedgerError, SettingsError
from dailies.ledger.folder import LedgerFolder, open_ledger
from dailies.ledger.journal_fold import fold_batch
from dailies.ledger.manifest import Manifest
from dailies.mirror.open_target import require_target
from dailies.planning.claim import Claim, claim_rows
from dailies.planning.options import RunOptions
from dailies.planning.outcome import read_outcome
from dailies.planning.submit_order import Order
from dailies.planning.terms import ask_balance, require_ledger, terms_from
from dailies.prompts.options import Encoding, Others, ReadOptions
from dailies.prompts.sources.source_names import label_of, refuse_stdin
from dailies.report.results import keep_results
from dailies.run.context import RunContext, open_run, shared, watcher
from dailies.settings import Settings
from flows.batch import batch
from flows.cancellation import stop_on_cancel
from flows.deliver import deliver, delivered
from flows.fan_out import run_elsewhere
from flows.final_states import SUPERSEDED, closing_words, final_state
from tasks.artifacts import publish_outcome, publish_plan, publish_progress
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
Digests = Annotated[list[str], Field(max_length=1000)]
BatchIds = Annotated[list[str], Field(max_length=1000)]


def _first_name() -> str:
    """Name the run after its source until its rows are known; the query of a signed URL stays out of the name."""
    return label_of(str(flow_run.parameters["csv"]))


@flow(name="generate", flow_run_name=_first_name, retries=0, persist_result=False)
async def generate(
    csv: Csv,
    max_cost_mxn: Mxn,
    max_month_mxn: Mxn = None,
    fit: bool = False,
    skip_bad_rows: bool = False,
    retry_failed: bool = False,
    limit: RowLimit = None,
    approved_mxn: Mxn = None,
    approved_rows: Digests = [],  # noqa: B006 - never changed; None would make the run form ask for its type
    new_ledger: bool = False,
    take_over: BatchIds = [],  # noqa: B006 - never changed; None would make the run form ask for its type
    fan_out: bool = False,
    template: Annotated[str, Field(max_length=4000)] = "",
    order: Order = "file",
    more_csv: MoreCsv = [],  # noqa: B006 - as take_over
    mirror_to: Annotated[str, Field(max_length=1024)] = "",
    columns: Annotated[str, Field(max_length=4000)] = "",
    others: Others = "refuse",
    lines: bool = False,
    no_header: bool = False,
    comment: Annotated[str, Field(max_length=20)] = "",
    encoding: Encoding = "utf-8",
    allow_error_texts: bool = False,
) -> State[Any]:
    """Make the videos of a CSV of prompts, and record exactly what each one cost.

    Args:
        csv: The prompts: a path that the worker sees, relative to the project's folder, a URL, or a pattern of either.
        max_cost_mxn: The most that this run may cost, in MXN. A run that may cost more is refused before it spends.
        max_month_mxn: The most that the month may cost, in MXN: charged so far plus everything that is open.
        fit: Take rows in order until a cap is reached, instead of refusing the run.
        skip_bad_rows: Record rows that cannot be read as rejected, instead of refusing the file.
        retry_failed: Try rows again that ended as failed.
        limit: Use only this many rows from the start of the file.
        approved_mxn: The worst case that a person has seen and approved, in MXN.
        approved_rows: What `dailies plan --json` calls approved_rows: the run refuses other rows than that plan's.
        new_ledger: Start a new ledger where there is none, although videos cost money.
        take_over: Batches of hanging runs whose rows this run takes.
        fan_out: Run each batch as a deployment on the work pool, instead of all of them in this process.
        template: The prompt of rows that have none; {name} is filled in from the column meta.name.
        more_csv: More files, read after the first one.
        mirror_to: Where the finished videos are copied: a folder, or a supabase://, s3://, gs://, az:// or sftp:// URL.
        order: The order of the file, or slow models first, so that a run does not end with a long wait for a few rows.
        columns: Names of columns, such as prompt=Text,model=Engine; or auto.
        others: What to do with columns that are not known: refuse the file, keep them as labels (meta), or ignore them.
        lines: Each line of the file is a prompt.
        no_header: The first row is no header; the columns are called 1, 2, 3.
        comment: Leave out lines that begin with this.
        encoding: How the text is encoded, if not in UTF-8 or UTF-16.
        allow_error_texts: Take #REF!, nan and the like as texts.
    """
    return await _make_videos(_options(locals()))


def _options(parameters: Mapping[str, Any]) -> RunOptions:
    """Turn the parameters of the flow into the options of a run."""
    return RunOptions.chosen(
        parameters,
        sources=(parameters["csv"], *parameters["more_csv"]),
        take_over=tuple(parameters["take_over"]),
        approved_rows=tuple(parameters["approved_rows"]),
        reading=ReadOptions.chosen(parameters, template=parameters["template"] or None),
    )


async def _make_videos(options: RunOptions) -> State[Any]:
    """Read, claim, run the batches, and write what became of every row."""
    settings = await load_run_settings(**options.overrides)
    if deployment.id and options.max_cost_mxn is None:
        raise SettingsError("A deployment must be given max_cost_mxn, because no person sees its plan.")
    refuse_stdin(options.sources)
    whole = options.read(settings)
    for note in whole.notes:
        get_run_logger().info(note)
    folder = open_ledger(settings)
    require_ledger(folder, settings, options)
    terms = terms_from(settings, options, balance=await ask_balance(settings, folder))
    await require_target(settings)
    prompts, now = whole.first(options.limit), datetime.now(UTC)
    claim = await asyncio.to_thread(claim_rows, folder, prompts, terms, now, str(flow_run.id))
    async with _running(settings, folder, claim) as context:
        await publish_plan(claim.plan)
        await (run_elsewhere if options.fan_out else _run_here)(context, claim.batches)
    outcome = read_outcome(folder, whole, terms.policy)
    results = keep_results(settings, outcome)
    outcome = outcome.first(options.limit)
    complaint = ""
    if context.stop.may_poll:
        async with stop_on_cancel(context.stop, str(flow_run.id)):
            complaint = await deliver(folder, outcome, settings)
    await publish_outcome(outcome, str(results), closing_words(context.stop, outcome))
    return delivered(final_state(context.stop, claim, outcome, settings.max_failed_ratio), complaint)


@contextlib.asynccontextmanager
async def _running(settings: Settings, folder: LedgerFolder, claim: Claim) -> AsyncIterator[RunContext]:
    """Set up the run, watch for cancellation and publish progress while the block runs; then fold and release."""
    with contextlib.closing(claim):
        context = open_run(settings, folder, claim.batches)
        if watch := watcher.get():
            watch(context)
        token = shared.set(context)
        progress = asyncio.create_task(publish_progress(context.progress))
        try:
            async with context.client, stop_on_cancel(context.stop, str(flow_run.id)):
                yield context
        finally:
            progress.cancel()
            await asyncio.gather(progress, return_exceptions=True)
            shared.reset(token)
            await asyncio.to_thread(_fold_the_rest, context, claim, str(flow_run.id))


def _fold_the_rest(context: RunContext, claim: Claim, who: str) -> None:
    """Fold the batches that did not fold themselves. What cannot be folded stays for the next run."""
    try:
        for manifest in claim.batches:
            fold_batch(context.folder, manifest.batch_id, who)
    except (LedgerError, OSError) as error:
        context.stop.everything(error)


async def _run_here(context: RunContext, batches: Iterable[Manifest]) -> None:
    """Let one batch submit at a time; the batches before it may still poll, so that no capacity idles."""
    children: list[asyncio.Future[State[Any]]] = []
    for manifest in batches:
        if not context.stop.may_begin(manifest, sees_stop=True):
            continue
        child = asyncio.ensure_future(batch(manifest.batch_id, return_state=True))
        children.append(child)
        submitted = asyncio.create_task(context.submitted[manifest.batch_id].wait())
        await asyncio.wait([child, submitted], return_when=asyncio.FIRST_COMPLETED)
        submitted.cancel()
    for state in await asyncio.gather(*children):
        if state.name == SUPERSEDED:
            context.stop.everything(FencedError(state.message or SUPERSEDED))
        elif not state.is_completed() and context.stop.reason is None:  # a defect
            context.stop.everything(await state.aresult(raise_on_failure=False))
