"""B1: the time for 200 rows, compared with a schedule that knows every render time in advance."""

import tempfile
from itertools import accumulate
from pathlib import Path

from dailies.catalogue import load_catalogue
from dailies.ledger.entry import EntryStatus
from tools.bench.measure import Result, median, spread, timed
from tools.bench.servers import running_sandbox_process

_SPEED, _QUICK_SPEED = 30.0, 200.0
_RATE_PER_S, _SLOTS = 2.5, 10


def run(*, quick: bool) -> Result:
    """Run with a low rate and with few slots, on the sandbox, without Prefect."""
    rows, repeats = (20, 1) if quick else (200, 3)
    speed = _QUICK_SPEED if quick else _SPEED
    result = Result(
        "B1",
        "Makespan",
        f"{rows} rows, the seven models in turn, a sandbox {speed:.0f} times faster than real time, slow models first,"
        f" without Prefect: (a) {_RATE_PER_S:g} submits/s and a slot for every row, (b) {_SLOTS} slots. The makespan is"
        " the time from the first submit to the last completion, by the sandbox's clock. The bound knows every render"
        " time: (a) longest jobs first at the same rate and without lag, (b) all slots full to the end.",
        ["workload", "makespan s", "bound s", "ratio"],
        repeats=repeats,
    )
    for name, rate, slots in ((f"(a) {_RATE_PER_S:g}/s", _RATE_PER_S, 1000), (f"(b) {_SLOTS} slots", 1000.0, _SLOTS)):
        found = [_run_rows(rows, rate, slots, seed, speed) for seed in range(repeats)]
        ratios = [took / bound for took, bound in found]
        result.rows.append([name, spread([t for t, _ in found]), spread([b for _, b in found]), spread(ratios, 4)])
        result.goal(f"{name}: makespan / bound", median(ratios), 1.05, form="{:.3f}")
    return result


def _run_rows(rows: int, rate: float, slots: int, seed: int, speed: float) -> tuple[float, float]:
    models = list(load_catalogue())
    with tempfile.TemporaryDirectory() as place, running_sandbox_process(speed, seed=seed) as sandbox:
        csv = Path(place) / "prompts.csv"
        lines = ["prompt,model", *(f"shot number {n},{models[n % len(models)]}" for n in range(rows))]
        csv.write_text("\n".join(lines), "utf-8")
        env = {
            **sandbox.env,
            "DAILIES_DATA_DIR": place,
            "DAILIES_SUBMIT_RATE_PER_S": str(rate),
            "DAILIES_MAX_IN_FLIGHT": str(slots),
        }
        timed("-m", "tools.bench.children.longest", str(csv), env=env)
        jobs = sandbox.jobs()
        assert len(jobs) == rows, "every row has one job"
        assert {job["status"] for job in jobs} == {EntryStatus.COMPLETED}, "and its video"
    times = sorted((job["render_us"] / 1e6 for job in jobs), reverse=True)
    took = (max(job["completed_us"] for job in jobs) - min(job["created_us"] for job in jobs)) / 1e6
    by_rate = max(number / rate + time for number, time in enumerate(times))
    by_slots = max(list(accumulate(times))[-1] / slots, times[0])
    return took, max(by_rate, by_slots)
