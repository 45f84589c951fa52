"""What the sandbox's tests share: a running sandbox, a client that holds its key, a way to submit."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from dailies.gateway.testing import RunningSandbox, sandbox
from tests.gateway.sandbox_client import client_of

__all__ = ["sandbox"]

Submit = Callable[..., dict[str, Any]]
LONG_ENOUGH_S = 700.0


@pytest.fixture
def api(sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    """A client of the fresh sandbox."""
    with client_of(sandbox) as client:
        yield client


@pytest.fixture
def submit(api: httpx.Client) -> Submit:
    """Submit a job that must be accepted, and return it."""

    def submit_request(headers: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
        body = {"model": "fal/kling-2", "prompt": "a fox on a frozen lake"} | fields
        answer = api.post("/videos/generations", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        job: dict[str, Any] = answer.json()
        return job

    return submit_request


@pytest.fixture
def finish(sandbox: RunningSandbox, api: httpx.Client) -> Callable[[str], dict[str, Any]]:
    """Let every render get done, then look at one job."""

    def poll_when_done(job_id: str) -> dict[str, Any]:
        sandbox.clock.advance(LONG_ENOUGH_S)
        job: dict[str, Any] = api.get(f"/videos/{job_id}").raise_for_status().json()
        return job

    return poll_when_done


FinishAll = Callable[[RunningSandbox, list[dict[str, Any]]], list[str]]


@pytest.fixture
def finish_all() -> FinishAll:
    """Submit requests to a sandbox, finish them, return their URLs."""

    def submit_and_finish(running: RunningSandbox, requests: list[dict[str, Any]]) -> list[str]:
        with client_of(running) as client:
            bodies = [{"model": "fal/kling-2", "prompt": "a fox"} | fields for fields in requests]
            ids = [client.post("/videos/generations", json=body).json()["id"] for body in bodies]
            running.clock.advance(LONG_ENOUGH_S)
            return [client.get(f"/videos/{job_id}").json()["video_url"] for job_id in ids]

    return submit_and_finish
