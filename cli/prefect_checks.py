"""What can be wrong with a Prefect server that answers: its scheduler starts no run, or it asks for no password."""

from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

import httpx
from rich.console import Console

from cli.doctor_checks import CheckResult, Health
from cli.prefect_http import ask, is_open
from cli.prefect_password import password_path
from cli.prefect_server import Server, is_started_here, own_password
from cli.screen.console import say

SQLALCHEMY_BELOW = (2, 1)
"""As in pyproject.toml: from this version on, Prefect 3.8's scheduler fails in every loop."""

_PLANNED_WITHIN = timedelta(minutes=2)
"""The scheduler's slowest loop takes a minute."""


def check_scheduler(api_url: str, now: datetime) -> CheckResult | None:
    """Return a warning if no schedule can start a run, else None.

    A server whose scheduler fails looks healthy, so the runs that it plans are counted. A server that refuses the
    question is not judged.
    """
    installed = version("sqlalchemy")
    if tuple(int(part) for part in installed.split(".")[:2]) >= SQLALCHEMY_BELOW:
        found = f"with SQLAlchemy {installed}, which is installed here, Prefect's scheduler starts no run"
        return _warning(found, "install the locked versions (`make setup`), then stop the server and start it again")
    try:
        unplanned = _find_unplanned(api_url, now)
    except (httpx.HTTPError, ValueError, KeyError):
        return None
    if not unplanned:
        return None
    found = f"the scheduler plans no run of {', '.join(unplanned)}, though a schedule is switched on"
    return _warning(found, "stop the server and start it again; if that does not help, its log says why")


def _warning(found: str, remedy: str) -> CheckResult:
    return CheckResult("prefect", Health.WARNING, found, remedy)


def _find_unplanned(api_url: str, now: datetime) -> list[str]:
    """Return the names of deployments whose schedule has been on for a while, but that have no run to come."""
    deployments = ask(f"{api_url}/deployments/filter", {}).json()
    return [found["name"] for found in deployments if _is_on(found, now) and _planned(api_url, found["id"], now) == 0]


def _is_on(deployment: dict[str, Any], now: datetime) -> bool:
    changed = [
        datetime.fromisoformat(schedule["updated"]) for schedule in deployment["schedules"] if schedule["active"]
    ]
    return not deployment["paused"] and any(at < now - _PLANNED_WITHIN for at in changed)


def _planned(api_url: str, deployment_id: str, now: datetime) -> int:
    to_come = {"state": {"type": {"any_": ["SCHEDULED"]}}, "expected_start_time": {"after_": now.isoformat()}}
    wanted = {"deployments": {"id": {"any_": [deployment_id]}}, "flow_runs": to_come}
    return int(ask(f"{api_url}/flow_runs/count", wanted).json())


def check_open(server: Server) -> CheckResult | None:
    """Return a warning about a server that asks for no password, else None.

    Any web page in a browser on this machine can use such a server.
    """
    if not is_open(server.api_url):
        return None
    found = f"{server.ui_url} asks for no password, so any web page in a browser here can start runs and read keys"
    remedy = "set PREFECT_SERVER_API_AUTH_STRING for it (docs/operations.md, Secrets)"
    if is_started_here(server):
        remedy = "`dailies server stop`, then `dailies server start` starts one with a password"
    return CheckResult("prefect", Health.WARNING, found, remedy)


def warn_if_open(console: Console, server: Server) -> bool:
    """Print the warning about a server that asks for no password; return whether there was one."""
    warning = check_open(server)
    if warning is not None:
        say(console, f"Warning: {warning.found}: {warning.remedy}", "yellow")
    return warning is not None


def show_login(console: Console, server: Server) -> None:
    """Print the password that the UI asks for once: in a terminal the line to paste, elsewhere the name of its file."""
    password = own_password(server)
    if password is not None:
        line = f", to paste once: {password}" if console.is_terminal else f" is in {password_path()}"
        say(console, f"Its password{line}")
