"""Hundreds of jobs in one process: no task run is lost, and memory stays in bounds. Thousands: see ``many_jobs``."""

from pathlib import Path

import pytest

from tools.bench.many_jobs import run_many_jobs

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

_JOBS = 400
_MOST_MB = 300


def test_every_task_run_ends_and_memory_stays_in_bounds(tmp_path: Path) -> None:
    measured = run_many_jobs(_JOBS, tmp_path)
    assert measured["exit_code"] == 0, measured
    assert measured["task_runs"]["submit COMPLETED"] == _JOBS, measured
    assert measured["task_runs"]["poll COMPLETED"] == _JOBS, measured
    assert set(measured["task_runs"]) <= {"submit COMPLETED", "poll COMPLETED", "other COMPLETED"}, measured
    assert measured["peak_mb"] <= _MOST_MB, measured
    assert measured["ledger_equals_account"], measured
