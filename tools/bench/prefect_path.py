"""B3: the whole Prefect path, compared with the naive way to write it."""

import re
import tempfile
import time
from pathlib import Path

import httpx

from tools.bench.measure import Goal, Result, Timed, median, reset, running_gateway, spread, stats, timed
from tools.bench.servers import running_prefect

_RENDER_S = 2.0
_SCALE = _RENDER_S / 190.0
_EVENTS_PER_S = 250.0
_SETTLE_LIMIT_S = 120.0
_WAYS = {"dailies": "Dailies", "async": "naive, coroutines", "plain": "naive, plain functions"}
_WHY = (
    "Dailies stays below the 250 events/s that a tuned server can accept permanently; that is its limit here. The naive"
    " ways have no limit: their surplus waits in the server, which drops events only beyond 10,000."
)


def run(*, quick: bool) -> Result:
    """Run ``flows.generate`` on a tuned server, and a flow with ``task.submit()`` on an untuned one."""
    jobs, naive_jobs, repeats = (40, 20, 1) if quick else (2000, 500, 3)
    result = Result(
        "B3",
        "The whole Prefect path",
        f"{jobs:,} jobs of {_RENDER_S:.0f} s on the bench gateway, a real Prefect server with the project's tuning;"
        f" the pace allows {_EVENTS_PER_S:.0f} events/s. Compared with {naive_jobs} of the same jobs in a flow that"
        " uses `task.submit()` on the default runner: two tasks for each job, Prefect's retries as the wait, a server"
        " with default settings. Jobs/s counts from the first submit to the last video seen; a task run that never"
        " reaches a final state is lost.",
        ["way", "jobs/s", "polls/job", "task runs lost", "RSS MB", "CPU s"],
        repeats=repeats,
    )
    found: dict[str, list[tuple[float, float, int, Timed]]] = {name: [] for name in _WAYS}
    with running_gateway() as base:
        for name in _WAYS:
            rows = jobs if name == "dailies" else naive_jobs
            with running_prefect(tuned=name == "dailies") as api:
                for _ in range(repeats):
                    reset(base, constant_s=_RENDER_S)
                    took = _generate(base, api, rows) if name == "dailies" else _naive(base, api, rows, name)
                    totals = stats(base)
                    assert totals["seen"] == rows, f"{name}: {totals['seen']} of {rows} videos: {took.output[-1500:]}"
                    lost = _lost(api)
                    found[name].append((rows / totals["makespan_s"], totals["polls"] / rows, lost, took))
    for name, runs in found.items():
        figures = ([jobs_per_s for jobs_per_s, *_ in runs], [polls for _, polls, *_ in runs])
        rest = ([lost for _, _, lost, _ in runs], [t.rss_mb for *_, t in runs], [t.cpu_s for *_, t in runs])
        result.rows.append([_WAYS[name], *(spread(values) for values in (*figures, *rest))])
    ours, coroutines, functions = (median([run[0] for run in found[name]]) for name in _WAYS)
    result.goal("jobs/s / the naive way's with coroutines", ours / coroutines, 5.0, at_least=True)
    result.goal("jobs/s / the naive way's with plain functions", ours / functions, 5.0, at_least=True, why=_WHY)
    result.goal("task runs lost", max(run[2] for run in found["dailies"]), 0, is_count=True)
    result.goal("RSS, MB", max(run[3].rss_mb for run in found["dailies"]), 300.0)
    result.goals.append(
        Goal(
            "(for comparison) task runs that the naive way lost",
            str(max(run[2] for name in ("async", "plain") for run in found[name])),
            is_met=True,
        )
    )
    return result


def _generate(base: str, api: str, rows: int) -> Timed:
    with tempfile.TemporaryDirectory() as place:
        csv = Path(place) / "prompts.csv"
        csv.write_text("\n".join(["prompt", *(f"shot number {n}" for n in range(rows))]), "utf-8")
        env = {
            "PREFECT_API_URL": api,
            "PREFECT_HOME": f"{place}/prefect",
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "GEEKHUB_API_KEY": "ghub_sk_test_" + "0" * 32,
            "GEEKHUB_BASE_URL": f"{base}/v1",
            "DAILIES_DATA_DIR": place,
            "DAILIES_FX": "*=20",
            "DAILIES_TIME_SCALE": str(_SCALE),
            "DAILIES_SUBMIT_RATE_PER_S": "100",
            "DAILIES_EVENTS_PER_S": str(_EVENTS_PER_S),
        }
        return timed("-m", "tools.bench.children.flow_generate", str(csv), env=env)


def _naive(base: str, api: str, rows: int, name: str) -> Timed:
    with tempfile.TemporaryDirectory() as home:
        env = {"PREFECT_API_URL": api, "PREFECT_HOME": home, "PREFECT_LOGGING_LEVEL": "ERROR"}
        return timed("-m", "tools.bench.children.flow_naive", base, str(rows), str(15.0 * _SCALE), name, env=env)


def _lost(api: str) -> int:
    """Count task runs of ended flows without a final state: the server dropped their events."""
    give_up_at = time.monotonic() + _SETTLE_LIMIT_S
    last = -1
    while time.monotonic() < give_up_at:
        counts = _unfinished(api)
        if counts in (0, last):
            break
        last = counts
        time.sleep(5)
    return counts


def _unfinished(api: str) -> int:
    wanted = {"task_runs": {"state": {"type": {"any_": ["PENDING", "RUNNING", "SCHEDULED"]}}}}
    answer = httpx.post(f"{api}/task_runs/count", json=wanted, trust_env=False, timeout=60).raise_for_status()
    found = re.fullmatch(r"\d+", answer.text)
    assert found is not None, answer.text
    return int(found[0])
