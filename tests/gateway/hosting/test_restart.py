"""The whole state survives a restart, and renders go on meanwhile."""

from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from dailies.gateway import SandboxError
from dailies.gateway.testing import TurnableClock, running_sandbox
from tests.gateway.sandbox_client import client_of, get


def submit(client: httpx.Client, **fields) -> dict:
    return client.post("/videos/generations", json={"model": "fal/kling-2", "prompt": "a fox"} | fields).json()


def test_open_jobs_get_done_while_the_sandbox_is_off(tmp_path: Path):
    clock = TurnableClock()
    with running_sandbox(tmp_path, clock=clock) as first, client_of(first) as client:
        job = submit(client)
        assert client.get(f"/videos/{job['id']}").json()["status"] == "processing"
    clock.advance(700)
    with running_sandbox(tmp_path, clock=clock) as second, client_of(second) as client:
        assert second.consumed_mxn() == 0
        assert client.get(f"/videos/{job['id']}").json()["status"] == "completed"
        assert second.consumed_mxn() == Decimal("4.20")


def test_port_key_organisation_and_videos_stay(tmp_path: Path, finish_all):
    with running_sandbox(tmp_path) as first:
        (url,) = finish_all(first, [{"prompt": "a fox"}])
        content = get(url).content
    with running_sandbox(tmp_path) as second:
        assert second.base_url == first.base_url
        assert second.api_key == first.api_key
        assert second.org_id == first.org_id
        assert second.address.instance_id == first.address.instance_id
        assert get(url).content == content


def test_balance_rate_and_seed_are_those_of_the_first_start(tmp_path: Path):
    with running_sandbox(tmp_path, balance_mxn=Decimal(7), fx_mxn_per_usd=Decimal("19.5")) as first:
        first.set_fx("18.25")
    with running_sandbox(tmp_path, balance_mxn=Decimal(9)) as second:
        assert second.balance_mxn() == 7
        assert second.fx_mxn_per_usd == Decimal("18.25")


def test_revoked_key_is_replaced_at_the_next_start(tmp_path: Path):
    with running_sandbox(tmp_path) as first:
        first.revoke_key()
    with running_sandbox(tmp_path) as second, client_of(second) as client:
        assert second.api_key != first.api_key
        assert client.get("/credits").status_code == 200


def test_idempotency_keys_are_remembered(tmp_path: Path):
    headers = {"Idempotency-Key": "row 1"}
    with running_sandbox(tmp_path) as first, client_of(first) as client:
        client.headers.update(headers)
        job = submit(client)
    with running_sandbox(tmp_path) as second, client_of(second) as client:
        client.headers.update(headers)
        assert submit(client)["id"] == job["id"]


def test_second_sandbox_on_the_folder_is_refused(tmp_path: Path):
    with (
        running_sandbox(tmp_path),
        pytest.raises(SandboxError, match=r"running on .* already \(process [0-9]+\)"),
        running_sandbox(tmp_path),
    ):
        pass


def test_kept_port_taken_by_a_stranger_is_refused_with_the_remedy(tmp_path: Path):
    with running_sandbox(tmp_path / "one") as first:
        port = first.address.port
        with (
            pytest.raises(SandboxError, match=f"port {port} is taken"),
            running_sandbox(tmp_path / "two", port=port),
        ):
            pass


def test_render_times_are_repeatable(tmp_path: Path):
    def render_times(folder: str, seed: int) -> list[int | None]:
        with running_sandbox(tmp_path / folder, seed=seed) as running, client_of(running) as client:
            for prompt in ("fox", "hare", "fox"):
                submit(client, prompt=prompt)
            return [job.render_us for job in running.jobs()]

    first = render_times("a", 1)
    assert first == render_times("b", 1)
    assert first != render_times("c", 2)
    assert len(set(first)) == 3
