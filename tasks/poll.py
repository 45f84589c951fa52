"""Poll one job: "not ready yet" raises, and Prefect's own retries are the waiting."""

import logging
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from dailies.errors import JobPending
from dailies.ledger.entry import LedgerEntry
from dailies.pacing.poll_schedule import PollSchedule
from dailies.reconcile import settle
from dailies.run.attempt import Attempt

_NO_NEWS = ("JobPending", "Execution was cancelled by the runtime environment", "Finished in state Completed(")


class _QuietWhileRendering(logging.Filter):
    """Drops Prefect's line for each retry, for each poll that ends because the run was stopped, and for each good end.

    A job that is still rendering has not failed, and the task logs its result in a separate line.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        return not any(words in message for words in _NO_NEWS)


def quiet_retries() -> None:
    """Keep "still rendering" out of the logs; a second call changes nothing."""
    logger = logging.getLogger("prefect.task_runs")
    if not any(isinstance(known, _QuietWhileRendering) for known in logger.filters):
        logger.addFilter(_QuietWhileRendering())


async def _is_still_rendering(_task: Any, _run: Any, state: Any) -> bool:
    outcome = await state.aresult(raise_on_failure=False)
    return isinstance(outcome, JobPending)


@task(name="poll", task_run_name="{attempt.label}", cache_policy=NO_CACHE, persist_result=False)
async def _poll(attempt: Attempt) -> LedgerEntry:
    """Send one GET; ``Attempt.poll`` names the errors."""
    entry = await attempt.poll()
    get_run_logger().info("%s: %s, %s MXN", attempt.label, entry.status, entry.charged_mxn)
    return entry


async def poll_job(attempt: Attempt, schedule: PollSchedule) -> LedgerEntry:
    """Poll until the job has ended or its deadline is past; Prefect waits between the polls."""
    patient = _poll.with_options(
        tags=attempt.tags,
        retries=schedule.retries,
        retry_delay_seconds=list(schedule.delays_s),
        retry_condition_fn=_is_still_rendering,
    )
    return await patient(attempt)


@task(name="look", task_run_name="look {attempt.label}", cache_policy=NO_CACHE, retries=0, persist_result=False)
async def poll_once(attempt: Attempt, schedule: PollSchedule) -> LedgerEntry:
    """Send one GET for a settlement; see ``dailies.reconcile.settle.poll_once``."""
    entry = await settle.poll_once(attempt, schedule)
    get_run_logger().info("%s: %s, %s MXN", attempt.label, entry.status, entry.charged_mxn)
    return entry
