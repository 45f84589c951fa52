"""A Prefect server with a password: with it, the command works; without it, the command says what to set."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.prefect_password import password_path, protect, read_password
from tests.own_server import running_own_server
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


API, OTHER_API = "http://127.0.0.1:4200/api", "http://127.0.0.1:4205/api"


def test_the_server_that_dailies_starts_keeps_one_password_in_a_private_file(tmp_path: Path) -> None:
    (tmp_path / "prefect").mkdir()
    first = protect(API)
    again = protect(OTHER_API)
    password = first["PREFECT_SERVER_API_AUTH_STRING"]
    assert again["PREFECT_SERVER_API_AUTH_STRING"] == password == read_password()
    assert len(password) > 32
    assert first["PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:4200,http://localhost:4200"
    assert password_path().stat().st_mode & 0o777 == 0o600
    shell = f". {password_path()} && echo $PREFECT_API_URL $PREFECT_API_AUTH_STRING"
    said = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True).stdout
    assert said.split() == [OTHER_API, password]


@pytest.mark.slow
def test_every_command_finds_the_password_of_the_server_that_dailies_started(workplace: Workplace) -> None:
    home = workplace.path / "prefect"
    home.mkdir(exist_ok=True)
    with running_own_server(workplace, home) as own:
        here = {"PREFECT_API_URL": ""}
        assert f"Its password is in {home}/dailies-server.env" in own.said
        ran = workplace.run("run", workplace.write_csv(2), **here)
        assert ran.returncode == 0, ran.stdout
        deployed = workplace.run("deploy", DAILIES_CREDENTIALS_BLOCK="studio", **here)
        assert "credentials block 'studio': created" in deployed.stdout
        assert f". {home}/dailies-server.env && prefect worker start" in deployed.stdout
        doctor = workplace.run("doctor", "--json", PREFECT_API_URL=own.url).stdout
        assert (json.loads(doctor)[-1]["verdict"], json.loads(doctor)[-1]["remedy"]) == ("ok", "")
        said = own.said + ran.stdout + deployed.stdout + doctor
        assert own.password.partition(":")[2] not in said
        assert "asks for no password" not in said


def test_a_server_of_an_older_dailies_without_a_password_is_used_with_a_warning(workplace: Workplace) -> None:
    port = workplace.prefect_api_url.removesuffix("/api").rpartition(":")[2]
    found = subprocess.run(
        ["pgrep", "-f", f"server start .* --port {port}"], capture_output=True, text=True, check=True
    )
    (workplace.path / "prefect").mkdir(exist_ok=True)
    note = {"api_url": workplace.prefect_api_url, "pid": int(found.stdout.split()[0])}
    (workplace.path / "prefect" / "dailies-server.json").write_text(json.dumps(note))
    here = {"PREFECT_API_URL": ""}
    started = workplace.run("server", "start", **here)
    assert started.returncode == 0, started.stdout
    assert f"Prefect: {workplace.prefect_api_url.removesuffix('/api')}\n" in started.stdout
    prefect = json.loads(workplace.run("doctor", "--json", **here).stdout)[-1]
    assert prefect["verdict"] == "warning"
    assert "asks for no password" in prefect["found"]
    assert prefect["remedy"] == "`dailies server stop`, then `dailies server start` starts one with a password"
    assert f"Warning: {prefect['found']}: {prefect['remedy']}" in started.stdout
    assert workplace.run("run", workplace.write_csv(2), **here).returncode == 0
