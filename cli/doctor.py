"""`dailies doctor`: is everything in place for a run? Each finding with its remedy; nothing is started."""

import asyncio
import platform
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from rich.console import Console
from rich.table import Table

from cli.doctor_checks import Finding, Verdict, check_disk, check_fx, check_ledger, check_service
from cli.known_service import Service
from cli.screen.console import say
from cli.service import find_service
from dailies.errors import LedgerError
from dailies.settings import load_settings

_STYLES = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.BAD: "red"}


def find_all() -> list[Finding]:
    """Every check, in the order in which a run needs its things.

    Raises:
        SettingsError: a setting is wrong; nothing else can be checked then.
    """
    had_key = load_settings().geekhub_api_key is not None
    service = find_service()
    now = datetime.now(UTC)
    return [
        Finding("dailies", Verdict.OK, f"{version('dailies')} on Python {platform.python_version()}"),
        *_check_service(service, now, had_key=had_key),
        _check_books(service),
        check_disk(service.ledger_path),
        check_prefect(),
    ]


def show_findings(console: Console, findings: list[Finding]) -> None:
    """A line for each finding, and its remedy below."""
    table = Table.grid(padding=(0, 2))
    for finding in findings:
        style = _STYLES[finding.verdict]
        table.add_row(finding.name, f"[{style}]{finding.verdict}[/]", _plain(finding))
    console.print(table, soft_wrap=True)
    bad = sum(finding.verdict is Verdict.BAD for finding in findings)
    say(console, "Everything is in place." if not bad else f"{bad} of {len(findings)} would stop a run.", "bold")


def findings_facts(findings: list[Finding]) -> list[dict[str, Any]]:
    """The same for programs."""
    return [asdict(finding) for finding in findings]


def _plain(finding: Finding) -> str:
    text = f"{finding.found}: {finding.remedy}" if finding.remedy else finding.found
    return text.replace("[", r"\[")


def _check_service(service: Service, now: datetime, *, had_key: bool) -> list[Finding]:
    if had_key:
        return [*asyncio.run(check_service(service.settings, now)), check_fx(service.settings.tariff, now)]
    remedy = "set GEEKHUB_API_KEY, in the environment or in .env, for real videos"
    found = "no GEEKHUB_API_KEY, so a run uses the sandbox: no money is spent"
    return [Finding("key", Verdict.WARNING, found, remedy)]


def _check_books(service: Service) -> Finding:
    try:
        service.find_ledger()
    except LedgerError as error:
        return Finding("ledger", Verdict.BAD, str(error))
    return check_ledger(service.ledger_path)


def check_prefect() -> Finding:
    """Whether a Prefect server answers, understands us, and takes in events fast enough."""
    from prefect.settings import get_current_settings

    from cli.prefect_server import find_server, is_tuned, require_compatible
    from dailies.errors import ServerError

    configured = get_current_settings().api.url
    server = find_server(configured)
    if server is None and configured:
        remedy = "start it, or unset PREFECT_API_URL, and a local one is started"
        return Finding("prefect", Verdict.BAD, f"no server answers at {configured}", remedy)
    if server is None:
        return Finding("prefect", Verdict.OK, "no server is running; a run starts one")
    try:
        require_compatible(server)
    except ServerError as error:
        return Finding("prefect", Verdict.BAD, str(error))
    if not is_tuned(server):
        remedy = "for more speed stop it, and `dailies server start` starts a tuned one"
        return Finding("prefect", Verdict.WARNING, f"{server.ui_url} is not tuned for many events", remedy)
    return Finding("prefect", Verdict.OK, f"{server.ui_url} answers and is tuned")
