"""The tasks by themselves: each one is a single library call, and the retries are Prefect's."""

import logging
from unittest.mock import AsyncMock

import pytest
from prefect.logging import disable_run_logger

from dailies.errors import JobFailedError, JobPending, RowRefusedError
from dailies.ledger.entry import EntryStatus, LedgerEntry
from tasks.poll import _poll, quiet_retries
from tasks.submit import _submit


class _Attempt:
    """An attempt whose two steps are scripted."""

    label = "kling-2 · row 14 · take 1"

    def __init__(self, **steps: object) -> None:
        self.submit = AsyncMock(side_effect=[steps.get("submit")])
        self.poll = AsyncMock(side_effect=[steps.get("poll")])


def _entry(status: EntryStatus) -> LedgerEntry:
    return LedgerEntry(row_key="r", attempt=1, source="a.csv", source_line=14, batch_id="b", job_id="j", status=status)


async def test_submit_returns_the_entry_with_its_job() -> None:
    entry = _entry(EntryStatus.PENDING)
    with disable_run_logger():
        assert await _submit.fn(_Attempt(submit=entry)) is entry


async def test_a_refused_row_fails_its_submit_task() -> None:
    with disable_run_logger(), pytest.raises(RowRefusedError):
        await _submit.fn(_Attempt(submit=RowRefusedError("duration: at most 10")))


async def test_a_poll_that_is_too_early_raises_so_that_prefect_waits() -> None:
    with disable_run_logger(), pytest.raises(JobPending):
        await _poll.fn(_Attempt(poll=JobPending("j", "still rendering")))


async def test_a_failed_job_fails_its_poll_task() -> None:
    with disable_run_logger(), pytest.raises(JobFailedError):
        await _poll.fn(_Attempt(poll=JobFailedError("j", "fal status: ERROR")))


def test_the_line_of_a_retry_is_dropped_and_others_stay(caplog: pytest.LogCaptureFixture) -> None:
    quiet_retries()
    quiet_retries()
    logger = logging.getLogger("prefect.task_runs")
    assert len([known for known in logger.filters if "Quiet" in type(known).__name__]) == 1
    made = [
        logger.makeRecord(logger.name, logging.INFO, "f", 1, message, (), None)
        for message in ("Task run failed with exception: JobPending('j') - Retry 1/9", "submitted as job j")
    ]
    assert [bool(logger.filter(record)) for record in made] == [False, True]
