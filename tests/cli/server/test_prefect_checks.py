"""Whether schedules can start runs: a server without its scheduler is found out, and so is the wrong SQLAlchemy."""

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from cli import prefect_checks
from cli.prefect_checks import SQLALCHEMY_BELOW, check_scheduler
from tests.flows.prefect_ui import PrefectServer
from tests.workplace import ROOT, running_prefect

NOWHERE = "http://127.0.0.1:9/api"
LATER = timedelta(minutes=3)


def test_the_bound_is_that_of_the_package() -> None:
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    assert f"sqlalchemy>=2.0,<{'.'.join(map(str, SQLALCHEMY_BELOW))}" in dependencies


def test_a_sqlalchemy_that_stops_the_scheduler_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_scheduler(NOWHERE, datetime.now(UTC)) is None
    monkeypatch.setattr(prefect_checks, "version", {"sqlalchemy": "2.1.0b1"}.__getitem__)
    warning = check_scheduler(NOWHERE, datetime.now(UTC))
    assert warning is not None
    assert "SQLAlchemy 2.1.0b1" in warning.found
    assert "make setup" in warning.remedy


@pytest.fixture
def without_scheduler(tmp_path: Path) -> Iterator[str]:
    with running_prefect(tmp_path, PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED="false") as url:
        yield url


@pytest.mark.e2e
@pytest.mark.slow
def test_a_schedule_that_is_on_without_a_run_to_come_is_named(without_scheduler: str) -> None:
    with httpx.Client(base_url=without_scheduler, trust_env=False) as api:
        server = PrefectServer(api)
        flow = server.post("/flows/", {"name": "generate"})["id"]
        nightly = {"schedule": {"cron": "0 2 * * *", "timezone": "UTC"}, "active": True}
        deployment = {"name": "forgotten", "flow_id": flow, "schedules": [nightly]}
        server.post("/deployments/", deployment)
        server.post("/deployments/", deployment | {"name": "off", "schedules": [nightly | {"active": False}]})
        now = datetime.now(UTC)
        assert check_scheduler(without_scheduler, now) is None  # it was switched on a moment ago
        warning = check_scheduler(without_scheduler, now + LATER)
        assert warning is not None
        assert "plans no run of forgotten, though" in warning.found
        start = {"state": {"type": "SCHEDULED", "state_details": {"scheduled_time": f"{now + 2 * LATER}"}}}
        made = server.get("/deployments/name/generate/forgotten")["id"]
        server.post(f"/deployments/{made}/create_flow_run", start)
        assert check_scheduler(without_scheduler, now + LATER) is None
