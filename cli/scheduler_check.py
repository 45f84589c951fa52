"""Whether schedules can start runs: a Prefect server whose scheduler fails looks well, so its plans are counted."""

from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

import httpx

from cli.doctor_checks import CheckResult, Health
from cli.prefect_http import ask

SQLALCHEMY_BELOW = (2, 1)
"""As in pyproject.toml: from this version on, Prefect 3.8's scheduler fails in every loop."""

_PLANNED_WITHIN = timedelta(minutes=2)
"""The scheduler's slowest loop takes a minute."""


def check_scheduler(api_url: str, now: datetime) -> CheckResult | None:
    """A warning where no schedule can start a run, else None; a server that refuses the question is not judged."""
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
    """The names of deployments whose schedule has been on for a while, without a run that is still to come."""
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
