"""Look at one open job once: done, failed, or still rendering."""

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from dailies.ledger.entry import LedgerEntry
from dailies.pacing.poll_schedule import PollSchedule
from dailies.reconcile.settle import poll_once
from dailies.run.attempt import Attempt


@task(name="look", task_run_name="look {attempt.label}", cache_policy=NO_CACHE, retries=0, persist_result=False)
async def look_at_job(attempt: Attempt, schedule: PollSchedule) -> LedgerEntry:
    """One GET; see ``dailies.reconcile.settle.poll_once``."""
    entry = await poll_once(attempt, schedule)
    get_run_logger().info("%s: %s, %s MXN", attempt.label, entry.status, entry.charged_mxn)
    return entry
