"""Polling is lazy: only a poll moves a job, and one poll takes the charge."""

import asyncio
from decimal import Decimal

import httpx

from dailies.gateway.testing import RunningSandbox
from tests.gateway.sandbox_client import get


async def poll_at_once(sandbox: RunningSandbox, job_id: str, times: int) -> list[dict]:
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    limits = httpx.Limits(max_connections=times)
    async with httpx.AsyncClient(
        base_url=sandbox.base_url, headers=headers, limits=limits, timeout=30, verify=False
    ) as client:
        answers = await asyncio.gather(*(client.get(f"/videos/{job_id}") for _ in range(times)))
    return [answer.json() for answer in answers]


def test_early_poll_repeats_processing_and_costs_nothing(api, submit, sandbox: RunningSandbox):
    job = submit()
    assert api.get(f"/videos/{job['id']}").json() == job
    assert sandbox.consumed_mxn() == 0


def test_job_that_nobody_polls_stays_free_and_unstored(api, submit, sandbox: RunningSandbox):
    job = submit()
    sandbox.clock.advance(10_000)
    assert sandbox.jobs()[0].status == "processing"
    assert sandbox.consumed_mxn() == 0
    url = f"{sandbox.root_url}/storage/v1/object/public/generated-videos/{sandbox.org_id}/{job['id']}/video.mp4"
    assert get(url).json()["code"] == "NoSuchKey"


def test_poll_after_the_render_completes_stores_and_charges(api, submit, finish, sandbox: RunningSandbox):
    submitted = submit()
    job = finish(submitted["id"])
    assert job["status"] == "completed"
    assert job["error"] is None
    # Completion is when the job was polled, not when the render was done.
    assert job["completed"] - submitted["created"] >= 700
    assert job["video_url"] == (
        f"{sandbox.root_url}/storage/v1/object/public/generated-videos/{sandbox.org_id}/{job['id']}/video.mp4"
    )
    assert get(job["video_url"]).headers["content-type"] == "video/mp4"
    assert sandbox.consumed_mxn() == Decimal("4.20")


def test_hundred_polls_at_once_charge_once(submit, sandbox: RunningSandbox):
    job = submit()
    sandbox.clock.advance(700)
    polled = asyncio.run(poll_at_once(sandbox, job["id"], 100))
    assert {answer["status"] for answer in polled} == {"completed"}
    assert len({answer["completed"] for answer in polled}) == 1
    charges = [entry for entry in sandbox.transactions() if entry.type == "consumption"]
    assert [entry.job_id for entry in charges] == [job["id"]]
    assert sandbox.jobs()[0].polls == 100


def test_completed_job_stays_as_it_is(api, submit, finish, sandbox: RunningSandbox):
    job = finish(submit()["id"])
    sandbox.clock.advance(10_000)
    assert api.get(f"/videos/{job['id']}").json() == job
    assert sandbox.consumed_mxn() == Decimal("4.20")


def test_balance_is_the_sum_of_the_transactions(submit, finish, sandbox: RunningSandbox):
    for take in range(3):
        finish(submit(prompt=f"fox {take}")["id"])
    sandbox.recharge("12.345678")
    booked = sandbox.transactions()
    assert sum(entry.amount_micros for entry in booked) == booked[-1].balance_micros
    assert sandbox.balance_mxn() == Decimal("100000") - 3 * Decimal("4.20") + Decimal("12.345678")
