"""The Prefect server as a browser and an operator use it."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.workplace import Workplace, wait_until

PREFECT = str(Path(sys.executable).with_name("prefect"))


class PrefectServer:
    """A running server's API."""

    def __init__(self, api: httpx.Client) -> None:
        self._api = api

    def _send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """One request, again where the server's database is busy, as Prefect's own client does."""
        answer = self._api.request(method, path, json=body)
        for wait_s in (1, 2, 4):
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            time.sleep(wait_s)
            answer = self._api.request(method, path, json=body)
        return answer.raise_for_status()

    def post(self, path: str, body: dict[str, Any] | list[Any]) -> Any:
        """One request; what was answered."""
        answer = self._send("POST", path, body)
        return answer.json() if answer.content else None

    def get(self, path: str) -> Any:
        """One request; what was answered."""
        return self._send("GET", path).json()

    def patch(self, path: str, body: dict[str, Any]) -> None:
        """A change, as the UI sends it."""
        self._send("PATCH", path, body)

    def delete(self, path: str) -> None:
        """A removal, as the UI sends it."""
        self._send("DELETE", path)

    def exists(self, path: str) -> bool:
        """Whether there is such a thing."""
        return self._api.get(path).is_success

    def runs(self, flow: str, source: str) -> list[dict[str, Any]]:
        """The flow runs of a flow in whose name a file's name occurs, oldest first."""
        found: list[dict[str, Any]] = self.post(
            "/flow_runs/filter",
            {"flows": {"name": {"any_": [flow]}}, "flow_runs": {"name": {"like_": source}}, "sort": "START_TIME_ASC"},
        )
        return found

    def run(self, run_id: str) -> dict[str, Any]:
        """One flow run."""
        found: dict[str, Any] = self.get(f"/flow_runs/{run_id}")
        return found

    def start(self, deployment: str, **parameters: Any) -> str:
        """What the UI's run form sends; the id of the flow run."""
        deployment_id = self.get(f"/deployments/name/{deployment}")["id"]
        return str(self.post(f"/deployments/{deployment_id}/create_flow_run", {"parameters": parameters})["id"])

    def end_of(self, run_id: str, *, limit_s: float = 180) -> tuple[str, str]:
        """Wait for a run's end; the type and the name of its final state."""
        final = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
        wait_until(lambda: self.run(run_id)["state"]["type"] in final, limit_s=limit_s)
        state = self.run(run_id)["state"]
        return state["type"], state["name"]

    def click_cancel(self, run_id: str) -> None:
        """What the UI's Cancel sends."""
        self.post(f"/flow_runs/{run_id}/set_state", {"state": {"type": "CANCELLING", "name": "Cancelling"}})


def prefect(workplace: Workplace, *arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Prefect's own command, as a user of the workplace would run it."""
    options = {"cwd": workplace.path, "env": workplace.env, "capture_output": True, "text": True, **options}
    done = subprocess.run([PREFECT, *arguments], **options, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@contextlib.contextmanager
def running_worker(workplace: Workplace, pool: str = "dailies", **env: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker of a process pool, until the block ends; its log is ``worker.log`` in the workplace."""
    with (workplace.path / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [PREFECT, "worker", "start", "--pool", pool, "--type", "process"],
            cwd=workplace.path,
            env={**workplace.env, "PREFECT_WORKER_QUERY_SECONDS": "1", **env},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield worker
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
