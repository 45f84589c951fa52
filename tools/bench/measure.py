"""Measuring: child processes under ``/usr/bin/time -v``, medians and ranges."""

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
    """One child process: seconds on the clock, seconds of CPU, the most memory in MB, what it printed."""

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
        told = report.read()
    if done.returncode != 0:
        raise RuntimeError(f"{arguments}: {done.stdout[-2000:]} {done.stderr[-2000:]}")
    cpu = sum(float(seconds) for seconds in re.findall(r"(?:User|System) time \(seconds\): ([\d.]+)", told))
    rss = re.search(r"Maximum resident set size \(kbytes\): (\d+)", told)
    return Timed(wall_s, cpu, int(rss[1]) / 1024 if rss else 0.0, done.stdout + done.stderr)


def clean_env(changes: Mapping[str, str]) -> dict[str, str]:
    """No settings of whoever runs this; the project itself can be imported."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), **changes}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running_gateway() -> Iterator[str]:
    """The bench gateway as a process of its own; its base URL."""
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
    """Let the gateway begin anew."""
    httpx.post(f"{base}/bench/reset", json=plan, trust_env=False).raise_for_status()


def stats(base: str) -> dict[str, Any]:
    """What the gateway has seen."""
    told: dict[str, Any] = httpx.get(f"{base}/bench/stats", trust_env=False).raise_for_status().json()
    return told


@dataclass(slots=True)
class Goal:
    """A goal, what was reached, and whether that is good enough."""

    text: str
    reached: str
    is_met: bool
    bound: str = ""


@dataclass(slots=True)
class Result:
    """One benchmark: what was done, a table of figures, the goals."""

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
        self, text: str, value: float, limit: float, *, at_least: bool = False, form: str = "{:.3g}", why: str = ""
    ) -> None:
        """Add a goal that is a bound on one figure; ``why`` is told where it is missed."""
        is_met = value >= limit if at_least else value <= limit
        if why and not is_met:
            self.note = f"{self.note} Missed: {text}. {why}".strip()
        self.goals.append(Goal(text, form.format(value), is_met, f"{'>=' if at_least else '<='} {limit:,g}"))

    def as_json(self) -> dict[str, Any]:
        """For the file of results."""
        return asdict(self)


def spread(values: Sequence[float], digits: int = 3) -> str:
    """Median and range."""
    if not values:
        return "-"
    middle, low, high = statistics.median(values), min(values), max(values)
    shown = [f"{value:.{digits}g}" if abs(value) < 1000 else f"{value:,.0f}" for value in (middle, low, high)]
    return shown[0] if len(set(shown)) == 1 else f"{shown[0]} ({shown[1]} to {shown[2]})"


median = statistics.median
