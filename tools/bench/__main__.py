"""``python -m tools.bench [--quick] [B1 B2 ...]``: measure, keep the results, write the page.

A benchmark that does not run this time keeps its last result, from ``data/bench/``.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable

from tools.bench import bookkeeping, makespan, polling, prefect_path, sandbox_polls, waiting
from tools.bench.measure import ROOT, Goal, Result
from tools.bench.page import draw_pacing, machine, write_page

BENCHES: dict[str, Callable[..., Result]] = {
    "B1": makespan.run,
    "B2": polling.run,
    "B3": prefect_path.run,
    "B4": waiting.run_cpu,
    "B5": waiting.run_peers,
    "B6": waiting.run_losses,
    "B7": bookkeeping.run_scale,
    "B8": bookkeeping.run_ledger,
    "B9": sandbox_polls.run,
}


def main() -> int:
    """Run the benchmarks of the command line; return 0 even if a goal is missed, because the page reports it."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench")
    parser.add_argument("--quick", action="store_true", help="small and once, in three minutes; to see that it works")
    parser.add_argument("names", nargs="*", help="which ones, by default all")
    asked = parser.parse_args()
    kept = ROOT / "data" / "bench" / ("quick" if asked.quick else "full")
    kept.mkdir(parents=True, exist_ok=True)
    for name in asked.names or BENCHES:
        _measure(name, kept, quick=asked.quick)
    results = {path.stem: json.loads(path.read_text("utf-8")) for path in kept.glob("B*.json")}
    page = kept / "performance.md" if asked.quick else ROOT / "docs" / "performance.md"
    write_page(page, results, quick=asked.quick)
    if not asked.quick:
        draw_pacing(ROOT / "docs" / "images" / "pacing.svg")
    sys.stdout.write(f"{page}\n")
    return 0


def _measure(name: str, kept: "os.PathLike[str]", *, quick: bool) -> None:
    where, began = machine(), time.monotonic()
    result = BENCHES[name](quick=quick)
    if quick:
        result.judge_small_sizes()
    stored = {**result.as_json(), "machine": where, "load_after": round(os.getloadavg()[0], 1)}
    (ROOT / kept / f"{name}.json").write_text(json.dumps(stored, indent=1), "utf-8")
    sys.stdout.write(f"{name} {result.title}: {time.monotonic() - began:.0f} s\n")
    for goal in result.goals:
        sys.stdout.write(f"  {_verdict(goal)} {goal.text}: {goal.reached}\n")
    sys.stdout.flush()


def _verdict(goal: Goal) -> str:
    if goal.text.startswith("(for"):
        return "      "
    return "ok    " if goal.is_met else "MISSED"


if __name__ == "__main__":
    sys.exit(main())
