"""B7 and B8: big files, big ledgers, the journal."""

import json
import tempfile
from pathlib import Path

from tools.bench.measure import Result, median, spread, timed

_STEPS = "tools.bench.children.bookkeeping_steps"


def _step(*arguments: str) -> tuple[dict[str, float], float, float]:
    took = timed("-m", _STEPS, *arguments)
    figures: dict[str, float] = json.loads(took.output.strip().splitlines()[-1])
    return figures, took.wall_s, took.rss_mb


def run_scale(*, quick: bool) -> Result:
    """B7: plan many rows; run a file without anything left to do."""
    rows, repeats = (10_000, 1) if quick else (100_000, 5)
    result = Result(
        "B7",
        "Big files",
        f"A CSV of {rows:,} rows with six models; the whole process with its imports. Plan: read, check and price every"
        " row. All done: the ledger already has every row; read, plan, outcome and results CSV, as `dailies run` does"
        " then, but without the HTML report."
        f" Also a plan of ten times as many rows, {min(repeats, 3)} times.",
        ["what", "wall s", "of it reading s", "planning s", "outcome and results s", "RSS MB"],
        repeats=repeats,
    )
    with tempfile.TemporaryDirectory() as place:
        small, big = Path(place) / "small.csv", Path(place) / "big.csv"
        _step("write", str(small), str(rows))
        _step("write", str(big), str(10 * rows))
        _step("buy", str(small), f"{place}/bought")
        found = {
            "plan": [_step("plan", str(small), f"{place}/empty") for _ in range(repeats)],
            "all done": [_step("done", str(small), f"{place}/bought") for _ in range(repeats)],
            "plan, ten times as many": [_step("plan", str(big), f"{place}/empty") for _ in range(min(repeats, 3))],
        }
    for name, runs in found.items():
        parts = [spread([figures.get(key, 0.0) for figures, _, _ in runs]) for key in ("read", "plan", "outcome")]
        result.rows.append([name, spread([wall for _, wall, _ in runs]), *parts, spread([rss for _, _, rss in runs])])
    once, done, tenfold = (median([wall for _, wall, _ in runs]) for runs in found.values())
    result.goal("plan, s", once, 3.0)
    result.goal("run with all rows done, s", done, 5.0)
    result.goal("plan of ten times as many rows / plan", tenfold / once, 11.0)
    result.goal("RSS of plan, MB", max(rss for _, _, rss in found["plan"]), 500.0)
    result.goal("RSS with all rows done, MB", max(rss for _, _, rss in found["all done"]), 500.0)
    result.goal(
        "RSS of plan of ten times as many rows, MB",
        max(r for _, _, r in found["plan, ten times as many"]),
        500.0,
        why="A plan holds every row with its cells, key and entry (1.3 kB), because the claim needs them. One"
        " million of the cheapest rows cost more than four million MXN, so a second way of planning, without rows,"
        " is not worth its code.",
    )
    return result


def run_ledger(*, quick: bool) -> Result:
    """B8: add up the ledger, write durable entries, fold."""
    entries, puts, fold, repeats = (50_000, 4_000, 2_000, 1) if quick else (1_000_000, 20_000, 10_000, 5)
    result = Result(
        "B8",
        "Ledger and journal",
        f"The sum of MXN by model with Arrow over a ledger of {entries:,} entries in files of 1,000; {puts:,} durable"
        " journal entries of 250 rows at once (with fsync, on this disk); a fold of"
        f" {fold:,} entries of 40 interrupted batches.",
        ["what", "figure"],
        repeats=repeats,
    )
    with tempfile.TemporaryDirectory() as place:
        _step("ledger", f"{place}/ledger", str(entries))
        sums = [_step("sum", f"{place}/ledger")[0]["sum"] for _ in range(repeats)]
        rates = [_step("journal", f"{place}/journal{n}", str(puts))[0]["per_s"] for n in range(repeats)]
        folds = [_step("fold", f"{place}/fold{n}", str(fold))[0]["fold"] for n in range(repeats)]
    result.rows += [["sum by model, s", spread(sums)], ["durable entries/s", spread(rates)], ["fold, s", spread(folds)]]
    result.goal("sum by model, s", median(sums), 1.0)
    result.goal("durable entries a second", median(rates), 2000.0, at_least=True, form="{:,.0f}")
    result.goal("fold, s", median(folds), 1.0)
    return result
