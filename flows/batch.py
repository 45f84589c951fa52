"""One batch: submit, poll, record."""

from prefect import flow, get_run_logger, tags
from prefect.runtime import flow_run

from dailies.errors import LedgerError
from dailies.journal import Journal
from dailies.ledger import EntryStatus, LedgerEntry
from dailies.pacing import PollSchedule
from dailies.production import Production, shared
from dailies.shooting import Attempt, Steps, shoot_rows
from tasks.poll import poll_job, quiet_retries
from tasks.record import record_batch
from tasks.submit import submit_job


@flow(name="batch", flow_run_name="{batch_id}", retries=0, persist_result=False)
async def batch(batch_id: str) -> str:
    """Shoot the rows that a run has claimed for this batch, and fold what became of them into the ledger.

    Args:
        batch_id: as ``generate`` made it; the rows stand in the batch's journal.

    Raises:
        FencedError: another run has taken the batch over.
        LedgerError: the journal could not be written or folded.
    """
    quiet_retries()
    production = shared.get()
    if production is None:
        raise LedgerError(f"batch {batch_id} belongs to a run in another process")
    who = str(flow_run.id)
    journal = Journal.own(production.folder.journals / batch_id, who)
    try:
        rows = journal.manifest.rows
        await shoot_rows(production, journal, rows, Steps(_submit, _poll), production.handed_over[batch_id])
    finally:
        journal.close()
        await _record(production, batch_id, who)
    return _counts(journal)


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


def _counts(journal: Journal) -> str:
    entries = list(journal.entries)
    done = sum(entry.status is EntryStatus.COMPLETED for entry in entries)
    return f"{done} videos from {len(journal.manifest.rows)} rows"
