"""One scenario: a seeded plan kills a run several times, then lets it finish.

The whole plan follows from a name such as ``17-direct`` or ``17-prefect``, so every finding can be repeated. (What
the operating system's scheduler adds to it is not seeded: a name repeats the plan, not each microsecond.)
"""

import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from dailies.gateway.store import database_path
from dailies.system.failpoints import VARIABLE, Failpoint
from tests.faults.place import Place, open_place
from tools.chaos.promises import breach_of_the_cap, breaches_after_a_crash, breaches_at_the_end

ROWS = 10
_MOST_LIVES = 12
_WAIT_S = 60.0
_WORST_MXN = {"fal/kling-2": "4.2", "fal/hailuo-02": "4.2", "fal/runway-gen-4": "5.25", "fal/luma-ray-2": "21"}
"""The cost of 5 s at FX 20, computed by hand from GeekHub's page "Billing"."""

_PASSES = {
    Failpoint.AFTER_DRAFT: 2,
    Failpoint.AFTER_MANIFEST: 2,
    Failpoint.AFTER_OWNER: 2,
    Failpoint.AFTER_INTENT: ROWS,
    Failpoint.AFTER_ANSWER: ROWS,
    Failpoint.AFTER_ID: ROWS,
    Failpoint.BEFORE_POLL: 2 * ROWS,
    Failpoint.AFTER_POLL: 2 * ROWS,
    Failpoint.AFTER_OUTCOME: ROWS,
    Failpoint.BEFORE_LINK: 3 * ROWS,
    Failpoint.BEFORE_REPLACE: 2,
    Failpoint.AFTER_LEDGER_FILE: 2,
    Failpoint.AFTER_FOLD: 2,
    Failpoint.AFTER_RENAME: 2,
}
"""How often a run of ten rows passes each window, approximately."""

_FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "lost_reply", "every": 4},
    {"kind": "lost_reply", "routes": ["poll"], "rate": 0.15},
    {"kind": "server_error", "rate": 0.15, "status": 503},
    {"kind": "server_error", "rate": 0.15, "status": 502, "body": False, "carried_out": True},
    {"kind": "fail_job", "rate": 0.2},
    {"kind": "fail_job", "rate": 0.1, "at": "submit"},
    {"kind": "slow", "routes": ["submit"], "seconds": 0.2, "rate": 0.5},
    {"kind": "garble", "form": "truncated", "routes": ["submit", "poll"], "rate": 0.1},
    {"kind": "vanish", "polls": 2, "rate": 0.3},
    {"kind": "vanish", "after_polls": 1, "polls": 2, "rate": 0.5},
    {"kind": "odd_answer", "form": "unknown_status", "rate": 0.1},
    {"kind": "throttle", "requests_per_second": 20, "burst": 3, "retry_after_s": 1},
    {"kind": "ignore_idempotency"},
)


@dataclass(frozen=True)
class Kill:
    """When a life ends: at a failpoint, or by a kill from outside after some jobs, charges or seconds.

    Attributes:
        how: ``failpoint``, ``jobs``, ``charges`` or ``seconds``.
        what: the failpoint with its count, or the number.
    """

    how: str
    what: str

    def __str__(self) -> str:
        return self.what if self.how == "failpoint" else f"{self.what} {self.how}"

    @property
    def window(self) -> str:
        """Return the name under which the final table counts it."""
        if self.what.startswith("settle"):
            return "in a settlement"
        return self.what.partition(":")[0] if self.how == "failpoint" else f"outside: {self.how}"


@dataclass(frozen=True)
class Scenario:
    """A plan: the rows, the faults of the sandbox, and the end of each life before the last one."""

    name: str
    seed: int
    prefect: bool
    batch_size: int
    faults: tuple[dict[str, Any], ...]
    kills: tuple[Kill, ...]
    pairs: bool
    settles: bool
    rows: tuple[tuple[str, str, str], ...]

    @property
    def cap_mxn(self) -> Decimal:
        """Return exactly the worst case of all rows."""
        worst = (max(Decimal(_WORST_MXN[model]) for model in (own, other) if model) for _, own, other in self.rows)
        return sum(worst, Decimal(0))

    def write_csv(self, path: Path) -> Path:
        """Return the rows as a CSV."""
        lines = ["prompt,model,duration,fallback", *(f"{row[0]},{row[1]},5,{row[2]}" for row in self.rows)]
        path.write_text("\n".join(lines) + "\n", "utf-8")
        return path


def make_scenario(name: str) -> Scenario:
    """Make the plan of a name: a kill at each failpoint in turn, everything else at random."""
    number, _, path = name.partition("-")
    seed, draw = int(number), random.Random(int(number))
    windows = list(_PASSES)
    first = windows[seed % len(windows)]
    kills = [_draw_kill(draw, first)] + [_draw_kill(draw) for _ in range(draw.randint(0, 2))]
    models = list(_WORST_MXN)
    rows = tuple(
        (f"scene {number} of {name}", draw.choice(models[:2]), draw.choice(["", "", models[2], models[3]]))
        for number in range(1, ROWS + 1)
    )
    return Scenario(
        name=name,
        seed=seed,
        prefect=path == "prefect",
        batch_size=draw.choice((4, 5, 10)),
        faults=tuple(draw.sample(_FAULTS, draw.randint(0, 3))),
        kills=tuple(kills),
        pairs=draw.random() < 0.2,
        settles=draw.random() < 0.25,
        rows=rows,
    )


def _draw_kill(draw: random.Random, window: Failpoint | None = None) -> Kill:
    how = "failpoint" if window else draw.choice(["failpoint", "jobs", "charges", "seconds"])
    if how == "failpoint":
        window = window or draw.choice(list(_PASSES))
        return Kill(how, f"{window}:{draw.randint(1, _PASSES[window])}")
    if how == "seconds":
        return Kill(how, f"{draw.uniform(0.0, 1.5):.3f}")
    return Kill(how, str(draw.randint(1, ROWS)))


@dataclass
class Report:
    """The result of one scenario."""

    scenario: Scenario
    landed: list[Kill] = field(default_factory=list)
    lives: int = 0
    jobs: int = 0
    completed: int = 0
    charged_mxn: Decimal = Decimal(0)
    breaches: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        kills = ", ".join(map(str, self.landed)) or "none landed"
        faults = ", ".join(str(fault["kind"]) for fault in self.scenario.faults) or "no faults"
        verdict = "BROKEN: " + "; ".join(self.breaches) if self.breaches else "all promises kept"
        return f"{self.scenario.name}: {self.lives} lives, killed at {kills}; {faults}; {verdict}"


def play(scenario: Scenario, path: Path, prefect_api_url: str = "") -> Report:
    """Kill as planned, run until done, then check every promise against the sandbox's database."""
    assert bool(prefect_api_url) == scenario.prefect
    began = time.monotonic()
    report = Report(scenario)
    with open_place(path, prefect_api_url, seed=scenario.seed) as place:
        place.sandbox.set_faults(*scenario.faults, seed=scenario.seed)
        csv = scenario.write_csv(path / "prompts.csv")
        env = {
            "DAILIES_BATCH_SIZE": str(scenario.batch_size),
            "DAILIES_MAX_MONTH_MXN": str(scenario.cap_mxn),
        }
        for kill in scenario.kills:
            _live(place, csv, kill, scenario, report, env)
            if scenario.settles:
                _settle(place, report, kill.what if kill.how == "failpoint" else "")
        _finish(place, csv, report, env)
        report.breaches += _breaches(place, csv, scenario, env)
        report.jobs, report.charged_mxn = len(place.sandbox.jobs()), place.sandbox.consumed_mxn()
        report.completed = sum(job.status == "completed" for job in place.sandbox.jobs())
    report.seconds = time.monotonic() - began
    return report


def _live(place: Place, csv: Path, kill: Kill, scenario: Scenario, report: Report, env: dict[str, str]) -> None:
    """Run one life and check what it leaves; sometimes a second run of the same CSV runs at the same time."""
    report.lives += 1
    with place.begin(csv, kill.what if kill.how == "failpoint" else "", **env) as process:
        second = place.begin(csv, **env) if scenario.pairs else None
        if kill.how != "failpoint":
            with closing(_open_books(place)) as books:
                _wait_for(_moment(kill, place, books), process)
            process.kill()
        code = process.wait(timeout=_WAIT_S)
        if code == -signal.SIGKILL:
            report.landed.append(kill)
        elif code not in (0, 1, 3):
            report.breaches.append(f"exit code {code}: {place.said()[-2000:]}")
        if second is not None:
            second.kill()  # at any moment of its work
            second.wait()
    report.breaches += breaches_after_a_crash(place.ledger, place.sandbox)


def _settle(place: Place, report: Report, failpoint: str) -> None:
    """Settle between two lives; the same failpoint kills it if it passes there."""
    report.lives += 1
    settled = place.run("settle", **{VARIABLE: failpoint})
    if settled.returncode == -signal.SIGKILL:
        report.landed.append(Kill("failpoint", f"settle {failpoint}"))
    elif settled.returncode not in (0, 3) or "Traceback" in settled.stdout:
        report.breaches.append(f"dailies settle: exit code {settled.returncode}: {settled.stdout[-2000:]}")
    report.breaches += breaches_after_a_crash(place.ledger, place.sandbox)


_COUNTS = {
    "jobs": "SELECT COUNT(*) FROM jobs",
    "charges": "SELECT COUNT(*) FROM transactions WHERE type = 'consumption'",
}


def _open_books(place: Place) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{database_path(place.sandbox.data_dir)}?mode=ro", uri=True)


def _moment(kill: Kill, place: Place, books: sqlite3.Connection) -> Callable[[], bool]:
    began = time.monotonic()

    def count(what: str) -> int:
        return int(books.execute(_COUNTS[what]).fetchone()[0])

    if kill.how != "seconds":
        return lambda: count(kill.how) >= int(kill.what)
    if place.prefect_api_url:  # Prefect itself needs most of the first seconds
        return lambda: time.monotonic() - began > 3 + float(kill.what) and count("jobs") > 0
    return lambda: time.monotonic() - began > float(kill.what)


def _wait_for(happens: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    give_up_at = time.monotonic() + _WAIT_S
    while process.poll() is None and time.monotonic() < give_up_at and not happens():
        time.sleep(0.005)


def _finish(place: Place, csv: Path, report: Report, env: dict[str, str]) -> None:
    """Repeat the command until it reports that it is done, or that some rows failed."""
    for _ in range(_MOST_LIVES):
        report.lives += 1
        code = place.run_csv(csv, **env)
        if code in (0, 1):
            return
        if code != 3:
            break
    report.breaches.append(f"not done after {report.lives} lives, exit code {code}: {place.said()[-2000:]}")


def _breaches(place: Place, csv: Path, scenario: Scenario, env: dict[str, str]) -> Iterator[str]:
    sandbox = place.sandbox
    if "Traceback" in place.said():
        yield f"a traceback: {place.said()[-3000:]}"
    yield from breaches_at_the_end(place.ledger, sandbox, ROWS)
    yield from breach_of_the_cap(sandbox, scenario.cap_mxn)
    before = len(sandbox.jobs()), sandbox.consumed_mxn()
    place.run_csv(csv, **env)
    if (len(sandbox.jobs()), sandbox.consumed_mxn()) != before:
        yield "running the same CSV again bought something"
