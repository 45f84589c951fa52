"""A sandbox as a process of its own: started, found, refused, stopped."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dailies.gateway import SandboxError, read_address, start_sandbox, stop_sandbox
from dailies.gateway.hosting.lock import is_locked
from tests.gateway.sandbox_client import get

pytestmark = pytest.mark.e2e


@pytest.fixture
def data_dir(tmp_path: Path):
    folder = tmp_path / "sandbox"
    yield folder
    stop_sandbox(folder)


def test_life_of_a_sandbox(data_dir: Path):
    assert read_address(data_dir) is None
    assert stop_sandbox(data_dir) is False
    started = start_sandbox(data_dir, speed=500, seed=3, plain_video=True)
    assert read_address(data_dir) == start_sandbox(data_dir) == started
    assert started.pid != os.getpid()
    assert started.time_scale == 1 / 500
    headers = {"Authorization": f"Bearer {started.api_key}"}
    assert get(f"{started.base_url}/credits", headers=headers).json()["balance_mxn"] == "100000.00"
    assert stop_sandbox(data_dir) is True
    assert read_address(data_dir) is None
    assert not is_locked(data_dir)
    again = start_sandbox(data_dir)
    assert (again.base_url, again.api_key) == (started.base_url, started.api_key)


def test_killed_sandbox_starts_again(data_dir: Path):
    started = start_sandbox(data_dir)
    os.kill(started.pid, signal.SIGKILL)
    while is_locked(data_dir):
        pass
    assert read_address(data_dir) is None
    assert stop_sandbox(data_dir) is False
    again = start_sandbox(data_dir)
    assert again.pid != started.pid
    assert again.org_id == started.org_id


def test_second_process_on_the_folder_is_refused(data_dir: Path):
    started = start_sandbox(data_dir)
    second = subprocess.run(
        [sys.executable, "-m", "dailies.gateway", "--data-dir", str(data_dir)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 2
    assert f"already (process {started.pid})" in second.stderr
    assert second.stdout == ""


def test_two_starters_at_once_find_the_same_sandbox(data_dir: Path):
    with ThreadPoolExecutor(2) as starters:
        first, second = starters.map(start_sandbox, [data_dir, data_dir])
    assert first == second
    assert stop_sandbox(data_dir)
    # Neither starter left a child behind that takes over.
    assert not is_locked(data_dir)


def test_failed_start_says_why(data_dir: Path, tmp_path: Path):
    started = start_sandbox(data_dir)
    with pytest.raises(SandboxError, match=f"port {started.port} is taken"):
        start_sandbox(tmp_path / "other", port=started.port)


def test_foreground_prints_what_a_shell_needs(data_dir: Path):
    command = [sys.executable, "-m", "dailies.gateway", "--data-dir", str(data_dir), "--speed", "100"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        lines = [running.stdout.readline().strip() for _ in range(3)]
        address = read_address(data_dir)
        assert address is not None
        running.send_signal(signal.SIGINT)
    assert lines == [
        f"export GEEKHUB_BASE_URL={address.base_url}",
        f"export GEEKHUB_API_KEY={address.api_key}",
        "export DAILIES_TIME_SCALE=0.01",
    ]
    assert running.returncode == 0


@pytest.mark.parametrize("option", [["--speed", "0"], ["--fx", "-1"], ["--port", "70000"], ["--burst", "0"]])
def test_impossible_options_are_refused(option):
    command = [sys.executable, "-m", "dailies.gateway", *option]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert option[0].removeprefix("--") in refused.stderr


def test_package_imports_nothing_heavy():
    heavy = "{'fastapi', 'uvicorn', 'pydantic', 'av', 'PIL', 'prefect', 'pytest', 'httpx', 'pandas'}"
    code = f"import sys, dailies.gateway; print(*{heavy} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
