"""Where runs are killed: a fast sandbox whose truth can be read, and the real command or the run without Prefect."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dailies.gateway.testing import running_sandbox
from dailies.ledger.folder import LedgerFolder
from dailies.settings import Settings, load_settings
from dailies.system.failpoints import VARIABLE
from tests.workplace import Workplace

SPEED = 1000.0
_LIMIT_S = 180.0


@dataclass(frozen=True)
class Place(Workplace):
    """A workplace where ``run_csv`` runs a CSV, with or without Prefect (``prefect_api_url`` is empty: without)."""

    @property
    def env(self) -> dict[str, str]:
        """As in a workplace; every place renders and polls fast, and nothing waits for Prefect's events."""
        fast = {"DAILIES_SUBMIT_RATE_PER_S": "100", "DAILIES_EVENTS_PER_S": "10000"}
        return {**super().env, "DAILIES_GIVE_UP_AFTER_S": "20000", **fast}

    def settings(self, monkeypatch: pytest.MonkeyPatch) -> Settings:
        """The settings that a run here has, for one in the test's own process."""
        for name, value in self.env.items():
            if name.startswith(("DAILIES_", "GEEKHUB_")):
                monkeypatch.setenv(name, value)
        return load_settings()

    def begin(self, csv: Path, failpoint: str = "", **env: str) -> "subprocess.Popen[str]":
        """Start a run of a CSV and do not wait for it; what it says goes to ``said.txt``."""
        command = self._command(csv)
        with (self.path / "said.txt").open("a") as said:
            return subprocess.Popen(
                command,
                cwd=self.path,
                env={**self.env, VARIABLE: failpoint, **env},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def run_csv(self, csv: Path, failpoint: str = "", **env: str) -> int:
        """Run a CSV to the end of the process; its exit code."""
        with self.begin(csv, failpoint, **env) as process:
            try:
                return process.wait(timeout=_LIMIT_S)
            finally:
                process.kill()

    @staticmethod
    def ledger_in(path: Path) -> LedgerFolder:
        """The sandbox's ledger in another folder than the usual one."""
        return LedgerFolder.open(path, "sandbox")

    @property
    def has_ledger(self) -> bool:
        """Whether a run has begun to keep books here."""
        return (self.path / "data" / "ledger" / "sandbox" / "ledger.json").exists()

    def said(self) -> str:
        """What all runs here have said so far."""
        return (self.path / "said.txt").read_text()

    def _command(self, csv: Path) -> list[str]:
        if self.prefect_api_url:
            return [str(Path(sys.executable).parent / "dailies"), "run", str(csv), "--yes"]
        return [sys.executable, "-m", "tools.run_directly", str(csv)]


@contextmanager
def open_place(path: Path, prefect_api_url: str = "", **options: Any) -> Iterator[Place]:
    """A place with a sandbox of its own; ``options`` are the sandbox's."""
    path.mkdir(parents=True, exist_ok=True)
    with running_sandbox(path / "sandbox", **{"speed": SPEED} | options) as sandbox:
        yield Place(path, sandbox, prefect_api_url)
