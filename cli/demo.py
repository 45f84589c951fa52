"""`make demo`: the main job on the sample, on the sandbox, from the plan to the account."""

import os
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import httpx
from rich.console import Console

from cli.invocation import Invocation, open_invocation
from cli.run_command import run_prompts
from cli.screen.console import say
from cli.service import Service, sandbox_folder, stop_command
from dailies.gateway.hosting.process import stop_sandbox
from dailies.ledger.entry import EntryStatus
from dailies.planning.options import RunOptions
from dailies.report.totals import sum_up
from dailies.settings import Settings, load_settings
from flows.home import ROOT

SAMPLE = Path("data/prompts/sample.csv")
_HIDDEN = dict.fromkeys(("GEEKHUB_API_KEY", "DAILIES_CREDENTIALS_BLOCK", "DAILIES_MIRROR_TO"), "")
"""Blank variables also hide the lines of .env: the demo spends nothing and writes only into its own folders."""


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
    begin_server()  # it takes some seconds to start, during which the plan is made
    invocation = open_invocation(RunOptions(sources=(str(SAMPLE),)))
    code = run_prompts(console, invocation, yes=True)
    console.print()
    code = max(code, _compare(console, invocation))
    if code == 0:
        _say_goodbye(console, invocation, time.monotonic() - began)
    return code


def _move_aside(console: Console, settings: Settings) -> None:
    stop_sandbox(sandbox_folder(settings))
    aside = settings.data_dir / "aside" / f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    for folder in (sandbox_folder(settings), settings.data_dir / "ledger" / "sandbox"):
        if folder.exists():
            aside.mkdir(parents=True, exist_ok=True)
            folder.rename(aside / f"{folder.parent.name}-{folder.name}")
    if aside.exists():
        say(console, f"Moved the earlier sandbox and its ledger to {aside}.")


def _compare(console: Console, invocation: Invocation) -> int:
    """Compare the whole ledger with the sandbox's own account, to the last digit; return the exit code."""
    consumed = _consumed_mxn(invocation.service)
    completed = [entry for entry in invocation.folder.entries() if entry.status is EntryStatus.COMPLETED]
    charged = sum_up("all", completed).charged_mxn
    same = charged == consumed
    verdict = "They agree." if same else "THEY DIFFER."
    say(console, f"Ledger: {charged} MXN. Sandbox account: {consumed} MXN. {verdict}", "green" if same else "bold red")
    return 0 if same else 1


def _consumed_mxn(sandbox: Service) -> Decimal:
    answer = httpx.get(
        f"{sandbox.sandbox_url}/sandbox/account",
        headers={"authorization": f"Bearer {sandbox.settings.require_key().get_secret_value()}"},
        trust_env=False,
    )
    return Decimal(str(answer.raise_for_status().json()["consumed_mxn"]))


def _say_goodbye(console: Console, invocation: Invocation, seconds: float) -> None:
    settings = invocation.service.settings
    first = next((entry.video_url for entry in invocation.outcome().entries() if entry.video_url), None)
    say(console, f"The first video: {first or 'there is none'}")
    report = settings.report_path(*invocation.prompts.sources).resolve()
    say(console, f"The report, all videos on one page: {report.as_uri()}")
    say(console, f"The ledger: {invocation.folder.path}/month=*/*.parquet")
    say(console, f"The sandbox: {invocation.service.sandbox_url} (to stop it: .venv/bin/{stop_command(settings)})")
    say(console, "The Prefect server keeps running, too (to stop it: .venv/bin/dailies server stop)")
    say(console, f"{seconds:.0f} s. Once more: make demo. From the start: make demo FRESH=1", "dim")
