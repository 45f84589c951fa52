"""Idempotency-Key: the same key and body make one job, however often and however concurrently."""

import asyncio

import httpx
import pytest

from dailies.gateway.testing import RunningSandbox
from tests.gateway.sandbox_client import client_of

KEY = {"Idempotency-Key": "ledger/row/1"}


def test_repeat_gives_the_same_job(submit, sandbox: RunningSandbox):
    assert submit(headers=KEY) == submit(headers=KEY)
    assert len(sandbox.jobs()) == 1


def test_repeat_shows_the_job_as_it_is_now(submit, finish, sandbox: RunningSandbox):
    finished = finish(submit(headers=KEY)["id"])
    assert submit(headers=KEY) == finished


def test_repeat_does_not_move_the_job(submit, sandbox: RunningSandbox):
    submit(headers=KEY)
    sandbox.clock.advance(700)
    assert submit(headers=KEY)["status"] == "processing"
    assert sandbox.consumed_mxn() == 0


def test_defaults_written_out_are_the_same_body(submit, sandbox: RunningSandbox):
    submit(headers=KEY)
    submit(headers=KEY, duration=5, aspect_ratio="16:9")
    assert len(sandbox.jobs()) == 1


@pytest.mark.parametrize("change", [{"prompt": "a hare"}, {"duration": 6}, {"aspect_ratio": "9:16"}])
def test_another_body_is_a_conflict(api, submit, sandbox: RunningSandbox, change):
    submit(headers=KEY)
    body = {"model": "fal/kling-2", "prompt": "a fox on a frozen lake"} | change
    answer = api.post("/videos/generations", json=body, headers=KEY)
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "idempotency_key_reused"
    assert len(sandbox.jobs()) == 1


def test_without_a_key_every_submit_is_a_job(submit, sandbox: RunningSandbox):
    assert submit()["id"] != submit()["id"]
    assert [job.number for job in sandbox.jobs()] == [1, 2]


def test_errors_are_not_remembered(api, submit, sandbox: RunningSandbox):
    assert api.post("/videos/generations", json={"model": "fal/kling-2"}, headers=KEY).status_code == 400
    sandbox.set_balance(0)
    body = {"model": "fal/kling-2", "prompt": "a fox on a frozen lake"}
    assert api.post("/videos/generations", json=body, headers=KEY).status_code == 402
    sandbox.recharge(10)
    assert submit(headers=KEY)["status"] == "processing"
    sandbox.set_balance(0)
    assert submit(headers=KEY)["status"] == "processing"


def test_key_counts_within_its_organisation(api, submit, sandbox: RunningSandbox):
    mine = submit(headers=KEY)
    made = api.post(f"{sandbox.root_url}/sandbox/keys", json={"new_organisation": True, "balance_mxn": 10})
    with client_of(sandbox, made.json()["api_key"]) as stranger:
        body = {"model": "fal/kling-2", "prompt": "a hare"}
        theirs = stranger.post("/videos/generations", json=body, headers=KEY)
    assert theirs.status_code == 200
    assert theirs.json()["id"] != mine["id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\xe9"])
def test_unusable_key_is_refused(api, key):
    body = {"model": "fal/kling-2", "prompt": "a fox"}
    answer = api.post("/videos/generations", json=body, headers={"Idempotency-Key": key.encode("latin-1")})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("Idempotency-Key: ")


async def test_posts_at_once_make_one_job(sandbox: RunningSandbox):
    headers = {"Authorization": f"Bearer {sandbox.api_key}"} | KEY
    body = {"model": "fal/kling-2", "prompt": "a fox"}
    async with httpx.AsyncClient(base_url=sandbox.base_url, headers=headers, timeout=30, verify=False) as client:
        posts = (client.post("/videos/generations", json=body) for _ in range(50))
        answers = await asyncio.gather(*posts)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(sandbox.jobs()) == 1
