"""Thousands of jobs in one process with one tuned SQLite server: does every task run end, and at what cost?

``python -m tools.bench.many_jobs 2000`` prints one JSON object; ``test_many_jobs`` holds a smaller run to the promises.
"""

import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from dailies.gateway.testing import running_sandbox
from tests.workplace import Workplace, running_prefect, wait_until

SPEED = 60.0


def run_many_jobs(jobs: int, folder: Path) -> dict[str, Any]:
    """Make this many videos, and read the Prefect server's database."""
    home = folder / "server"
    home.mkdir()
    with running_prefect(home) as url, running_sandbox(folder / "sandbox", speed=SPEED) as sandbox:
        workplace = Workplace(folder, sandbox, url)
        prompts = workplace.write_csv(jobs)
        began = time.monotonic()
        with workplace.start("run", prompts, DAILIES_SUBMIT_RATE_PER_S="10") as running:
            peak_mb = _peak_mb(running)
        took_s = time.monotonic() - began
        database = home / "prefect.db"
        wait_until(lambda: _unfinished(database) == 0, limit_s=60)
        states = _states(database)
        return {
            "jobs": jobs,
            "exit_code": running.returncode,
            "seconds": round(took_s, 1),
            "jobs_per_s": round(jobs / took_s, 2),
            "peak_mb": peak_mb,
            "task_runs": states,
            "task_runs_total": sum(states.values()),
            "events": (events := _count(database, "select count(*) from events")),
            "events_per_s": round(events / took_s, 1),
            "most_events_in_10_s": _busiest(database),
            "ledger_equals_account": workplace.charged_mxn() == sandbox.consumed_mxn(),
        }


def _peak_mb(running: "subprocess.Popen[str]") -> float:
    """Measure the peak memory of the process until its end."""
    peak_kb = 0
    while running.poll() is None:
        for line in Path(f"/proc/{running.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                peak_kb = int(line.split()[1])
        time.sleep(0.2)
    running.communicate()
    return round(peak_kb / 1024, 1)


def _query(database: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def _count(database: Path, sql: str) -> int:
    return int(_query(database, sql)[0][0])


def _unfinished(database: Path) -> int:
    final = "('COMPLETED','FAILED','CRASHED','CANCELLED')"
    return _count(database, f"select count(*) from task_run where state_type is null or state_type not in {final}")


def _states(database: Path) -> dict[str, int]:
    rows = _query(database, "select name, state_type, count(*) from task_run group by 1, 2")
    states: dict[str, int] = {}
    for name, state, number in rows:
        # Each child flow run also has a task run, which does not count.
        kind = "submit" if str(name).startswith("submit ") else "poll" if "row" in str(name) else "other"
        states[f"{kind} {state}"] = states.get(f"{kind} {state}", 0) + number
    return states


def _busiest(database: Path) -> int:
    sql = "select max(n) from (select count(*) n from events group by strftime('%s', occurred) / 10)"
    return _count(database, sql)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        measured = run_many_jobs(int(sys.argv[1]), Path(scratch))
    sys.stdout.write(json.dumps(measured, indent=2) + "\n")
