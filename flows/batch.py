"""One batch: submit, poll, record. In its run's own process, or deployed on another machine that sees the ledger."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

from prefect import flow, get_run_logger, tags
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from pydantic import Field

from dailies.errors import FencedError, LedgerError
from dailies.ledger.entry import LedgerEntry
from dailies.ledger.folder import open_ledger
from dailies.ledger.journal_writer import Journal
from dailies.pacing.poll_schedule import PollSchedule
from dailies.run.attempt import Attempt, Steps, shoot_rows
from dailies.run.context import Production, open_production, shared
from flows.cancellation import heeding
from flows.final_states import batch_state, superseded
from tasks.credentials import load_run_settings
from tasks.name import name_run, rows_and_money
from tasks.poll import poll_job, quiet_retries
from tasks.record import record_batch
from tasks.submit import submit_job
from tasks.submit_rate import share_turns


@flow(name="batch", flow_run_name="batch {batch_id}", retries=0, persist_result=False)
async def batch(batch_id: Annotated[str, Field(pattern=r"^\d{8}T\d{6}-[0-9a-f]{8}$")]) -> State[Any]:
    """Shoot the rows that a run has claimed for this batch, and fold what became of them into the ledger.

    Args:
        batch_id: as the run that claimed it has made it; its rows stand in the batch's journal.

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
        async with _production(journal) as production:
            await name_run(f"{Path(manifest.source).name} · {rows_and_money(manifest.rows)}", manifest.rows)
            try:
                async with heeding(production, who, *filter(None, [manifest.flow_run_id])):
                    handed_over = production.handed_over[batch_id]
                    await shoot_rows(production, journal, manifest.rows, Steps(_submit, _poll), handed_over)
            finally:
                journal.close()
                await _record(production, batch_id, who)
    return batch_state(production.stop, len(manifest.rows), journal.entries)


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
async def _production(journal: Journal) -> AsyncIterator[Production]:
    """The run's own, in its process; else one for this batch alone, whose turns to submit are shared."""
    if here := shared.get():
        yield here
        return
    settings = await load_run_settings()
    folder = open_ledger(settings)
    production = open_production(settings, folder, [journal.manifest])
    share_turns(production.gate)
    async with production.client:
        yield production


async def _submit(attempt: Attempt) -> LedgerEntry:
    with tags(*_tags(attempt)):
        return await submit_job(attempt)


async def _poll(attempt: Attempt, schedule: PollSchedule) -> LedgerEntry:
    with tags(*_tags(attempt)):
        return await poll_job(attempt, schedule)


def _tags(attempt: Attempt) -> tuple[str, str]:
    return str(attempt.entry.provider), str(attempt.entry.model)


async def _record(production: Production, batch_id: str, who: str) -> None:
    """A journal that cannot be folded now keeps everything; the next run folds it."""
    try:
        await record_batch(production.folder, batch_id, who)
    except (LedgerError, OSError) as error:
        production.stop.everything(error)
        get_run_logger().error("batch %s stays in its journal, the next run folds it: %s", batch_id, error)
