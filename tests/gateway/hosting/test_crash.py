"""A sandbox killed in the middle of its work has charged every completed job once, and no other."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from dailies.gateway import SandboxAddress, start_sandbox, stop_sandbox
from dailies.gateway.accounts.accounts import list_transactions, read_balance
from dailies.gateway.jobs.jobs import StoredJob, list_jobs
from dailies.gateway.store import connect

pytestmark = pytest.mark.e2e
JOBS = 60


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "sandbox"
    yield folder
    stop_sandbox(folder)


def client_at(address: SandboxAddress) -> httpx.Client:
    headers = {"Authorization": f"Bearer {address.api_key}"}
    return httpx.Client(base_url=address.base_url, headers=headers, timeout=30, verify=False)


def read_jobs(data_dir: Path, org_id: str) -> list[StoredJob]:
    """The jobs, after comparing them with the charges, the balance and the stored videos."""
    with closing(connect(data_dir)) as store:
        jobs = list_jobs(store, org_id)
        booked = list_transactions(store, org_id)
        stored = {row["path"] for row in store.execute("SELECT path FROM objects")}
        assert sum(entry.amount_micros for entry in booked) == read_balance(store, org_id)
    completed = [job for job in jobs if job.status == "completed"]
    charged = [entry.job_id for entry in booked if entry.type == "consumption"]
    assert sorted(charged, key=str) == sorted(job.id for job in completed)
    assert stored == {job.object_path for job in completed}
    return jobs


def test_kill_in_the_middle_of_completions_loses_and_doubles_nothing(data_dir: Path):
    address = start_sandbox(data_dir, speed=1_000_000, plain_video=True)

    with client_at(address) as client:
        body = {"model": "fal/kling-2", "prompt": "a fox"}
        ids = [client.post("/videos/generations", json=body).json()["id"] for _ in range(JOBS)]

        def poll_and_kill_halfway(number: int) -> None:
            if number == JOBS // 2:
                os.kill(address.pid, signal.SIGKILL)
            try:
                client.get(f"/videos/{ids[number]}")
            except httpx.TransportError:
                assert number > JOBS // 4

        with ThreadPoolExecutor(4) as pollers:
            list(pollers.map(poll_and_kill_halfway, range(JOBS)))

    halfway = {job.status for job in read_jobs(data_dir, address.org_id)}
    assert halfway == {"completed", "processing"}
    again = start_sandbox(data_dir, speed=1_000_000, plain_video=True)
    with client_at(again) as client:
        assert {client.get(f"/videos/{job_id}").json()["status"] for job_id in ids} == {"completed"}
    assert {job.status for job in read_jobs(data_dir, address.org_id)} == {"completed"}
