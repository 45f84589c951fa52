"""`dailies sandbox`: it keeps to the data folder of the settings."""

import subprocess
from pathlib import Path

import pytest

from dailies.gateway.hosting.process import read_address
from tests.commandline import dailies
from tests.workplace import DAILIES


def test_the_sandbox_of_the_settings_is_started_and_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAILIES_DATA_DIR", str(tmp_path / "elsewhere"))
    with subprocess.Popen([DAILIES, "sandbox"], stdout=subprocess.PIPE, text=True) as foreground:
        try:
            assert foreground.stdout is not None
            base_url = foreground.stdout.readline().strip().removeprefix("export GEEKHUB_BASE_URL=")
            address = read_address(tmp_path / "elsewhere" / "sandbox")
            assert address is not None
            assert address.base_url == base_url
            assert dailies(capsys, "sandbox", "stop").out == "The sandbox is stopped.\n"
            foreground.wait(timeout=30)
        finally:
            foreground.kill()
    assert not (tmp_path / "data").exists()


def test_a_named_folder_goes_before_the_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAILIES_DATA_DIR", str(tmp_path / "elsewhere"))
    assert dailies(capsys, "sandbox", "stop", "--data-dir", tmp_path / "no").out == "No sandbox was running.\n"
