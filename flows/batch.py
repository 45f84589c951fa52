"""One batch: submit, poll, record. It runs in the process of its run, or on another machine that sees the ledger."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from pydantic import Field

from dailies.errors import FencedError, LedgerError
from dailies.ledger.folder import open_ledger
from dailies.ledger.journal_writer import Journal
from dailies.planning.terms import require_own_account
from dailies.run.context import RunContext, open_run, shared
from dailies.run.run_rows import Steps, run_rows
from flows.cancellation import stop_on_cancel
from flows.final_states import batch_state, superseded
from tasks.artifacts import name_run, rows_and_money, videos_and_money
from tasks.credentials import load_run_settings
from tasks.poll import poll_job, quiet_retries
from tasks.record import record_batch
from tasks.submit import submit_job
from tasks.submit_rate import shared_turn


@flow(name="batch", flow_run_name="batch {batch_id}", retries=0, persist_result=False)
async def batch(batch_id: Annotated[str, Field(pattern=r"^\d{8}T\d{6}-[0-9a-f]{8}$")]) -> State[Any]:
    """Run the rows that a run has claimed for this batch, and fold them into the ledger.

    Args:
        batch_id: the id that the claiming run has made; the batch's journal holds the rows.

    Raises:
        LedgerError: there is no such batch in the ledger's folder, or the journal cannot be written or folded.
    """
    quiet_retries()
    who = str(flow_run.id)
    try:
        journal = Journal.own(await _journal_path(batch_id), who)
    except FencedError as error:
        return superseded(error)
    manifest = journal.manifest
    with contextlib.closing(journal):
        async with _run_context(journal) as context:
            await name_run(f"{Path(manifest.source).name} · {rows_and_money(manifest.rows)}", manifest.rows)
            try:
                async with stop_on_cancel(context.stop, who, *filter(None, [manifest.flow_run_id])):
                    steps = Steps(submit_job, poll_job)
                    await run_rows(context, journal, manifest.rows, steps, context.submitted[batch_id])
            finally:
                journal.close()
                await _fold(context, batch_id, who)
            bought = videos_and_money(journal.entries, len(manifest.rows))
            await name_run(f"{Path(manifest.source).name} · {bought}")
    return batch_state(context.stop, len(manifest.rows), journal.entries)


async def _journal_path(batch_id: str) -> Path:
    if here := shared.get():
        return here.folder.journals / batch_id
    settings = await load_run_settings()
    path = settings.ledger_path / "journal" / batch_id
    if not path.exists() and not list(settings.ledger_path.glob(f"month=*/{batch_id}.parquet")):
        raise LedgerError(
            f"There is no batch {batch_id} in {settings.ledger_path.absolute()}: this process must see the same folder"
            " as the run that claimed it; set DAILIES_DATA_DIR or DAILIES_LEDGER_DIR here, too."
        )
    return path


@contextlib.asynccontextmanager
async def _run_context(journal: Journal) -> AsyncIterator[RunContext]:
    """Return the context of the run in this process; else one for this batch, which shares the submit rate."""
    if here := shared.get():
        yield here
        return
    settings = await load_run_settings()
    folder = open_ledger(settings)
    context = open_run(settings, folder, [journal.manifest], submit_turn=shared_turn)
    async with context.client:
        await require_own_account(context.client, settings, folder)  # the parent run may have another key
        yield context


async def _fold(context: RunContext, batch_id: str, who: str) -> None:
    """Fold the batch. A journal that cannot be folded now keeps everything; the next run folds it."""
    try:
        await record_batch(context.folder, batch_id, who)
    except (LedgerError, OSError) as error:
        context.stop.everything(error)
        get_run_logger().error("batch %s stays in its journal, the next run folds it: %s", batch_id, error)
