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

from tests.workplace import DAILIES, Workplace, wait_until

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

    def runs_of(self, deployment: str) -> list[dict[str, Any]]:
        """The flow runs of a deployment, in the order in which they are to start."""
        deployment_id = self.get(f"/deployments/name/{deployment}")["id"]
        wanted = {"deployments": {"id": {"any_": [deployment_id]}}, "sort": "EXPECTED_START_TIME_ASC"}
        found: list[dict[str, Any]] = self.post("/flow_runs/filter", wanted)
        return found

    def states_of(self, run_id: str) -> list[str]:
        """The names of all states that a run has had, oldest first."""
        return [state["name"] for state in self.get(f"/flow_run_states/?flow_run_id={run_id}")]

    def switch_on(self, deployment: str, schedule: dict[str, Any], **parameters: Any) -> None:
        """What the UI sends when an operator sets the time and the parameters of a schedule and switches it on."""
        found = self.get(f"/deployments/name/{deployment}")
        change = {"schedule": schedule, "active": True, "parameters": parameters}
        self.patch(f"/deployments/{found['id']}/schedules/{found['schedules'][0]['id']}", change)

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
    command = [PREFECT, "worker", "start", "--pool", pool, "--type", "process"]
    with _running(workplace, "worker.log", command, {"PREFECT_WORKER_QUERY_SECONDS": "1", **env}) as worker:
        yield worker


@contextlib.contextmanager
def running_serve(workplace: Workplace, **env: str) -> Iterator["subprocess.Popen[bytes]"]:
    """``dailies serve`` until the block ends; its log is ``serve.log`` in the workplace."""
    with _running(workplace, "serve.log", [str(DAILIES), "serve"], env) as serving:
        yield serving


@contextlib.contextmanager
def _running(
    workplace: Workplace, log: str, command: list[str], env: dict[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    with (workplace.path / log).open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=workplace.path,
            env={**workplace.env, **env},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
