"""`make demo`: the main job on the sample, on the sandbox, from the plan to the account."""

import os
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import httpx
from rich.console import Console

from cli.assignment import Assignment
from cli.invocation import open_assignment
from cli.known_service import Service
from cli.run_command import run_assignment
from cli.screen.console import say
from cli.service import sandbox_folder, stop_command
from dailies.gateway.hosting.process import stop_sandbox
from dailies.ledger.entry import EntryStatus
from dailies.pricing import ZERO
from dailies.settings import Settings, load_settings
from flows.home import ROOT

SAMPLE = Path("data/prompts/sample.csv")
_HIDDEN = dict.fromkeys(("GEEKHUB_API_KEY", "DAILIES_CREDENTIALS_BLOCK", "DAILIES_MIRROR_TO"), "")
"""Blank also hides what is in .env: a demo spends nothing, and puts nothing into a place that is not its own."""


def run_demo(console: Console, *, fresh: bool) -> int:
    """Run the sample on the sandbox, whatever is set; ``fresh`` first moves sandbox and ledger aside together."""
    from cli.flow_runner import begin_server, prepare_prefect

    began = time.monotonic()
    os.chdir(ROOT)
    os.environ.update(_HIDDEN)
    settings = load_settings()
    if fresh:
        _move_aside(console, settings)
    prepare_prefect(settings)
    begin_server()  # it needs some seconds; meanwhile the plan is made
    given = open_assignment([str(SAMPLE)])
    code = run_assignment(console, given, yes=True)
    console.print()
    return max(code, _compare(console, given)) or _say_goodbye(console, given, time.monotonic() - began)


def _move_aside(console: Console, settings: Settings) -> None:
    stop_sandbox(sandbox_folder(settings))
    aside = settings.data_dir / "aside" / f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    for folder in (sandbox_folder(settings), settings.data_dir / "ledger" / "sandbox"):
        if folder.exists():
            aside.mkdir(parents=True, exist_ok=True)
            folder.rename(aside / f"{folder.parent.name}-{folder.name}")
    if aside.exists():
        say(console, f"Moved the earlier sandbox and its ledger to {aside}.")


def _compare(console: Console, given: Assignment) -> int:
    """Hold the whole ledger against the sandbox's own account, to the last digit."""
    consumed = _consumed_mxn(given.service)
    completed = [entry for entry in given.folder.entries() if entry.status is EntryStatus.COMPLETED]
    charged = sum((entry.charged_mxn or ZERO for entry in completed), ZERO)
    same = charged == consumed
    verdict = "They agree." if same else "THEY DIFFER."
    say(console, f"Ledger: {charged} MXN. Sandbox account: {consumed} MXN. {verdict}", "green" if same else "bold red")
    return 0 if same else 1


def _consumed_mxn(sandbox: Service) -> Decimal:
    key = sandbox.settings.geekhub_api_key
    assert key is not None, "an opened sandbox has given its key"
    answer = httpx.get(
        f"{sandbox.sandbox_url}/sandbox/account",
        headers={"authorization": f"Bearer {key.get_secret_value()}"},
        trust_env=False,
    )
    return Decimal(str(answer.raise_for_status().json()["consumed_mxn"]))


def _say_goodbye(console: Console, given: Assignment, seconds: float) -> int:
    first = next((entry.video_url for entry in given.outcome().entries() if entry.video_url), None)
    say(console, f"The first video: {first or 'there is none'}")
    report = given.service.settings.report_path(*given.prompts.sources).resolve()
    say(console, f"The report, all videos on one page: {report.as_uri()}")
    say(console, f"The ledger: {given.folder.path}/month=*/*.parquet")
    stop = stop_command(given.service.settings)
    say(console, f"The sandbox: {given.service.sandbox_url} (stop it: .venv/bin/{stop})")
    say(console, "The Prefect server goes on, too (stop it: .venv/bin/dailies server stop)")
    say(console, f"{seconds:.0f} s. Again: make demo. Anew: make demo FRESH=1", "dim")
    return 0
