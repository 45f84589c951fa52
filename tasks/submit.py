"""Submit one row: the intent is journalled, the job created, its id journalled."""

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from dailies.ledger.entry import LedgerEntry
from dailies.run.attempt import Attempt


@task(name="submit", task_run_name="submit {attempt.label}", cache_policy=NO_CACHE, retries=0, persist_result=False)
async def _submit(attempt: Attempt) -> LedgerEntry:
    """Create the job of one attempt; ``Attempt.submit`` names the errors."""
    entry = await attempt.submit()
    get_run_logger().info("%s: submitted as job %s", attempt.label, entry.job_id)
    return entry


async def submit_job(attempt: Attempt) -> LedgerEntry:
    """Create the job of one attempt, in a task run tagged with its provider and model."""
    return await _submit.with_options(tags=attempt.tags)(attempt)
