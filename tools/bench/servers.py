"""The servers that benchmarks need: a sandbox and a Prefect server, each in its own process."""

import contextlib
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from dailies.gateway.hosting.address import SandboxAddress, read_connection
from tools.bench.measure import ROOT, clean_env, free_port


@dataclass(frozen=True, slots=True)
class SandboxProcess:
    """A sandbox, and the facts in its database."""

    path: Path
    address: SandboxAddress

    @property
    def env(self) -> dict[str, str]:
        """Return the settings of a user of this sandbox."""
        return {
            "GEEKHUB_API_KEY": self.address.api_key,
            "GEEKHUB_BASE_URL": self.address.base_url,
            "DAILIES_TIME_SCALE": str(self.address.time_scale),
            "DAILIES_FX": f"*={self.address.fx_mxn_per_usd}",
        }

    def jobs(self) -> list[dict[str, Any]]:
        """Return every job of the database."""
        with contextlib.closing(sqlite3.connect(self.path / "sandbox.sqlite3")) as store:
            store.row_factory = sqlite3.Row
            return [dict(row) for row in store.execute("SELECT * FROM jobs ORDER BY number")]


@contextlib.contextmanager
def running_sandbox_process(speed: float, seed: int = 0) -> Iterator[SandboxProcess]:
    """Run a new sandbox with tiny videos until the block ends."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "sandbox"
        command = [sys.executable, "-m", "dailies.gateway", "--data-dir", str(path), "--port", str(free_port())]
        options = ["--speed", str(speed), "--seed", str(seed), "--plain-video"]
        with (Path(place) / "log").open("wb") as log:
            process = subprocess.Popen([*command, *options], cwd=ROOT, env=clean_env({}), stdout=log, stderr=log)
        try:
            address = _await(lambda: read_connection(path), process, Path(place) / "log")
            yield SandboxProcess(path, address)
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def running_prefect(*, tuned: bool) -> Iterator[str]:
    """Run a Prefect server, with the project's settings if ``tuned``; yield the URL of its API."""
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        with (Path(home) / "log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT if tuned else home,
                env=clean_env({"HOME": home, "PREFECT_HOME": home, "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        url = f"http://127.0.0.1:{port}/api"
        try:
            _await(lambda: _is_healthy(url), process, Path(home) / "log")
            yield url
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _is_healthy(url: str) -> bool | None:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{url}/health", trust_env=False, timeout=3).is_success or None
    return None


def _await(ask: Any, process: "subprocess.Popen[bytes]", log: Path) -> Any:
    give_up_at = time.monotonic() + 120
    while (answer := ask()) is None:
        if process.poll() is not None or time.monotonic() > give_up_at:
            raise RuntimeError(log.read_text()[-2000:])
        time.sleep(0.05)
    return answer
