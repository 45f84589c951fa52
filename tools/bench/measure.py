"""Measures child processes with ``/usr/bin/time -v``; computes medians and ranges."""

import contextlib
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent.parent
_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "HOME")


@dataclass(frozen=True, slots=True)
class Timed:
    """One child process: wall seconds, CPU seconds, peak memory in MB, output."""

    wall_s: float
    cpu_s: float
    rss_mb: float
    output: str


def timed(*arguments: str, env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> Timed:
    """Run ``python arguments...`` under ``/usr/bin/time -v``.

    Raises:
        RuntimeError: it failed; with the end of what it said.
    """
    with tempfile.NamedTemporaryFile("r") as report:
        command = ["/usr/bin/time", "-v", "-o", report.name, sys.executable, *arguments]
        began = time.monotonic()
        done = subprocess.run(
            command, cwd=cwd, env=clean_env(env or {}), capture_output=True, text=True, timeout=1800, check=False
        )
        wall_s = time.monotonic() - began
        printed = report.read()
    if done.returncode != 0:
        raise RuntimeError(f"{arguments}: {done.stdout[-2000:]} {done.stderr[-2000:]}")
    cpu = sum(float(seconds) for seconds in re.findall(r"(?:User|System) time \(seconds\): ([\d.]+)", printed))
    rss = re.search(r"Maximum resident set size \(kbytes\): (\d+)", printed)
    return Timed(wall_s, cpu, int(rss[1]) / 1024 if rss else 0.0, done.stdout + done.stderr)


def clean_env(changes: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the user's settings, in which the project can be imported."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), **changes}


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running_gateway() -> Iterator[str]:
    """Run the bench gateway in its own process; yield its base URL."""
    port = free_port()
    command = [sys.executable, "-m", "tools.bench.gateway", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=clean_env({}))
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"{base}/v1/models", trust_env=False)
                break
            time.sleep(0.05)
        yield base
    finally:
        process.terminate()
        process.wait()


def reset(base: str, **plan: Any) -> None:
    """Reset the gateway."""
    httpx.post(f"{base}/bench/reset", json=plan, trust_env=False).raise_for_status()


def stats(base: str) -> dict[str, Any]:
    """Return the figures of the gateway."""
    seen: dict[str, Any] = httpx.get(f"{base}/bench/stats", trust_env=False).raise_for_status().json()
    return seen


@dataclass(slots=True)
class Goal:
    """A goal, the figure, and whether the figure meets the goal."""

    text: str
    reached: str
    is_met: bool
    bound: str = ""
    is_count: bool = False


@dataclass(slots=True)
class Result:
    """One benchmark: its description, a table of figures, its goals."""

    id: str
    title: str
    how: str
    header: list[str]
    rows: list[list[str]] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    note: str = ""
    drawn: dict[str, Any] = field(default_factory=dict)
    repeats: int = 0

    def goal(
        self,
        text: str,
        value: float,
        limit: float,
        *,
        at_least: bool = False,
        form: str = "{:.3g}",
        why: str = "",
        is_count: bool = False,
    ) -> None:
        """Add a goal that is a bound on one figure; the page quotes ``why`` if the figure misses it."""
        is_met = value >= limit if at_least else value <= limit
        if why and not is_met:
            self.note = f"{self.note} Missed: {text}. {why}".strip()
        bound = f"{'>=' if at_least else '<='} {limit:,g}"
        self.goals.append(Goal(text, form.format(value), is_met, bound, is_count))

    def judge_small_sizes(self) -> None:
        """Keep as goals what a small run can judge: counts. Its seconds, memory and ratios are noise."""
        self.note = ""
        self.goals = [
            goal
            if goal.is_count or goal.text.startswith("(for")
            else Goal(f"(for comparison) {goal.text}", goal.reached, True)
            for goal in self.goals
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the result for its JSON file."""
        return asdict(self)


def spread(values: Sequence[float], digits: int = 3) -> str:
    """Format median and range."""
    if not values:
        return "-"
    middle, low, high = statistics.median(values), min(values), max(values)
    shown = [f"{value:.{digits}g}" if abs(value) < 1000 else f"{value:,.0f}" for value in (middle, low, high)]
    return shown[0] if len(set(shown)) == 1 else f"{shown[0]} ({shown[1]} to {shown[2]})"


median = statistics.median
