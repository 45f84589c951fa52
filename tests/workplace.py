"""A place to run the real command: processes, folders and servers that belong to one test."""

import contextlib
import csv
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import httpx

from dailies.gateway.testing import RunningSandbox
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from tests import logs

ROOT = Path(__file__).resolve().parent.parent
DAILIES = Path(sys.executable).parent / "dailies"
_KEPT = ("PATH", "LANG", "LC_ALL")


@dataclass(frozen=True)
class Workplace:
    """One test's folder, sandbox and Prefect server."""

    path: Path
    sandbox: RunningSandbox
    prefect_api_url: str
    prefect_password: str | None = None

    @property
    def env(self) -> dict[str, str]:
        """Return the environment of a user who works here with the sandbox's key."""
        home, temporary = self.path / "home", self.path / "tmp"
        home.mkdir(exist_ok=True)
        temporary.mkdir(exist_ok=True)
        return {
            **{name: os.environ[name] for name in _KEPT if name in os.environ},
            "HOME": str(home),
            "TMPDIR": str(temporary),  # Prefect uses a fixed folder name there; it can belong to another user
            "PREFECT_HOME": str(self.path / "prefect"),
            "PREFECT_API_URL": self.prefect_api_url,
            **({"PREFECT_API_AUTH_STRING": self.prefect_password} if self.prefect_password else {}),
            "GEEKHUB_API_KEY": self.sandbox.api_key,
            "GEEKHUB_BASE_URL": self.sandbox.base_url,
            "DAILIES_TIME_SCALE": str(self.sandbox.time_scale),
            "DAILIES_FX": f"*={self.sandbox.fx_mxn_per_usd}",
            "DAILIES_DATA_DIR": str(self.path / "data"),
            "DAILIES_SUBMIT_RATE_PER_S": "50",
            "DAILIES_EVENTS_PER_S": "1000",  # at this speed polls are dense, and a few hundred events fit any queue
            "COLUMNS": "200",
        }

    def write_csv(self, rows: int, name: str = "prompts.csv", **columns: str) -> Path:
        """Write a CSV with this many different prompts; ``columns`` give every row the same cell."""
        path = self.path / name
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["prompt", *columns])
            writer.writerows([f"shot number {n} of a lighthouse", *columns.values()] for n in range(1, rows + 1))
        return path

    def start(self, *arguments: str | Path, **env: str) -> "subprocess.Popen[str]":
        """Start ``dailies ...`` without waiting for it."""
        return subprocess.Popen(
            [DAILIES, *map(str, arguments)],
            cwd=self.path,
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str | Path, **env: str) -> "subprocess.CompletedProcess[str]":
        """Run ``dailies ...`` until it ends."""
        with self.start(*arguments, **env) as process:
            output, _ = process.communicate(timeout=240)
        return subprocess.CompletedProcess(process.args, process.returncode, output)

    @property
    def ledger(self) -> LedgerFolder:
        """Return the ledger of the sandbox's account."""
        return LedgerFolder.open(self.path / "data" / "ledger" / "sandbox", "sandbox")

    def entries(self) -> list[LedgerEntry]:
        """Return every entry in the ledger's files."""
        return self.ledger.entries()

    def charged_mxn(self) -> Decimal:
        """Return the sum of the ledger's charges."""
        done = [entry for entry in self.entries() if entry.status is EntryStatus.COMPLETED]
        return sum((entry.charged_mxn or Decimal(0) for entry in done), Decimal(0))


def wait_until(holds: Callable[[], object], *, limit_s: float = 60.0) -> None:
    """Wait until a callable returns true.

    Raises:
        TimeoutError: it did not in time.
    """
    give_up_at = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"not true within {limit_s} s")
        time.sleep(0.02)


@contextlib.contextmanager
def running_prefect(home: Path, port: int | None = None, **settings: str) -> Iterator[str]:
    """Run a Prefect server with the project's tuning until the block ends; on a free port unless one is given."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = port or probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    command: Sequence[str] = (sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port")
    env = {name: os.environ[name] for name in _KEPT if name in os.environ}
    logs.watch(home / "server.log")
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [*command, str(port)],
            cwd=ROOT,
            env={**env, "HOME": str(home), "PREFECT_HOME": str(home), "PREFECT_SERVER_UI_API_URL": url, **settings},
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        wait_until(lambda: _is_healthy(url) or server.poll() is not None, limit_s=120)
        assert server.poll() is None, (home / "server.log").read_text()
        yield url
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _is_healthy(url: str) -> bool:
    try:
        return bool(httpx.get(f"{url}/health", trust_env=False).json())
    except (httpx.HTTPError, ValueError):
        return False
