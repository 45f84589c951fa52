"""A Prefect server with a password: with it, the command works; without it, the command says what to set."""

import json
from collections.abc import Iterator

import pytest

from tests.stubs import answering
from tests.workplace import Workplace, running_prefect

pytestmark = pytest.mark.e2e

PASSWORD = "operator:a-long-secret"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_prefect(tmp_path_factory.mktemp("guarded"), PREFECT_SERVER_API_AUTH_STRING=PASSWORD) as url:
        yield url


@pytest.mark.slow
def test_a_run_uses_the_password_of_prefects_settings(workplace: Workplace, guarded: str) -> None:
    known = {"PREFECT_API_URL": guarded, "PREFECT_API_AUTH_STRING": PASSWORD}
    ran = workplace.run("run", workplace.write_csv(2), **known)
    assert ran.returncode == 0, ran.stdout
    prefect = json.loads(workplace.run("doctor", "--json", **known).stdout)[-1]
    assert (prefect["verdict"], prefect["found"]) == ("ok", f"{guarded.removesuffix('/api')} answers and is tuned")


@pytest.mark.parametrize(
    ("known", "refused"),
    [
        ({"PREFECT_API_AUTH_STRING": "operator:wrong"}, "refuses PREFECT_API_AUTH_STRING (HTTP 401)"),
        ({"PREFECT_API_KEY": "pnu_wrong"}, "refuses PREFECT_API_KEY (HTTP 401)"),
        ({}, "refuses PREFECT_API_AUTH_STRING, which is not set (HTTP 401)"),
    ],
)
def test_who_is_not_let_in_is_told_which_setting(
    workplace: Workplace, guarded: str, known: dict[str, str], refused: str
) -> None:
    ran = workplace.run("run", workplace.write_csv(2), PREFECT_API_URL=guarded, **known)
    assert ran.returncode == 2
    assert f"The Prefect server at {guarded} {refused}" in ran.stdout
    assert "unknown" not in ran.stdout
    assert "wrong" not in ran.stdout
    assert workplace.sandbox.jobs() == []


def test_a_gate_before_the_whole_server_is_told_apart_from_silence(workplace: Workplace) -> None:
    refusals = dict.fromkeys(("/api/health", "/api/admin/version"), (401, "{}"))
    with answering(refusals) as url:
        started = workplace.run("server", "start", PREFECT_API_URL=f"{url}/api", PREFECT_API_AUTH_STRING=PASSWORD)
    assert started.returncode == 2
    assert "refuses PREFECT_API_AUTH_STRING (HTTP 401)" in started.stdout
    assert "a-long-secret" not in started.stdout
