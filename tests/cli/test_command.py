"""The command itself: its help, its versions, its shells, and how it ends."""

import errno
import os
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

import cyclopts
import pytest

from cli.app import app, spare_loopback_the_proxy
from cli.error_messages import LEFT_AT_ONCE, explain
from dailies.errors import LedgerError, RefusedError, ServerLostError
from dailies.gateway.hosting.errors import SandboxError
from tests.commandline import dailies
from tests.workplace import DAILIES

SCREEN = 24


def every_verb(parent: cyclopts.App = app, *path: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [path]
    for name in parent:
        if not name.startswith("-"):
            found += every_verb(parent[name], *path, name)
    return found


VERBS = every_verb()


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: " ".join(verb) or "dailies")
def test_help_fits_one_screen_and_names_an_example(
    verb: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    said = dailies(capsys, *verb, "--help")
    assert said.code == 0
    lines = said.out.rstrip().splitlines()
    assert len(lines) <= SCREEN, said.out
    assert max(map(len, lines)) <= 80
    assert re.search(rf"Example: dailies {' '.join(verb)}", said.out), said.out


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert dailies(capsys, "--version").out.strip() == version("dailies")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_verb(shell: str) -> None:
    script = app.generate_completion(shell=shell)
    for (verb,) in (path for path in VERBS if len(path) == 1 and path != ("demo",)):
        assert verb in script


def test_bash_takes_the_completion(tmp_path: Path) -> None:
    script = tmp_path / "completion.bash"
    script.write_text(app.generate_completion(shell="bash"), "utf-8")
    subprocess.run(["bash", "-n", script], check=True)


def test_the_command_starts_without_prefect() -> None:
    code = "import sys, cli.app; sys.exit('prefect' in sys.modules or 'pyarrow' in sys.modules)"
    assert subprocess.run([DAILIES.parent / "python", "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("error", "words", "code"),
    [
        (RefusedError("a cap. Raise it."), "a cap. Raise it.", 2),
        (SandboxError("port taken"), "port taken", 2),
        (LedgerError("locked"), "locked", 3),
        (ServerLostError("gone"), "gone", 3),
        (KeyboardInterrupt(), "Stopped. Nothing is lost", LEFT_AT_ONCE),
        (OSError(errno.ENOSPC, "No space left on device", "data/x"), "No space left on device; free some space", 3),
        (OSError(errno.EROFS, "Read-only file system", "data/x"), "Read-only.*DAILIES_DATA_DIR", 3),
        (ValueError("odd"), r"defect of Dailies \(ValueError: odd\).*--debug", 3),
    ],
)
def test_whatever_goes_wrong_is_one_message_and_an_exit_code(error: BaseException, words: str, code: int) -> None:
    message, exit_code = explain(error)
    assert re.search(words, message)
    assert exit_code == code


def test_a_proxy_is_never_asked_for_this_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "example.org")
    spare_loopback_the_proxy()
    spare_loopback_the_proxy()
    assert os.environ["NO_PROXY"] == os.environ["no_proxy"] == "example.org,127.0.0.1,localhost,::1"
