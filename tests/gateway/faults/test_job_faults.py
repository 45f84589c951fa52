"""The fault script on jobs: refused by a filter, failed, stuck, pending. Failed jobs are free."""

import pytest

from dailies.gateway.testing import RunningSandbox


def test_failed_job_is_never_charged(submit, finish, sandbox: RunningSandbox):
    sandbox.set_faults({"kind": "fail_job"})
    submitted = submit()
    assert submitted["status"] == "processing"
    job = finish(submitted["id"])
    assert (job["status"], job["error"], job["video_url"]) == ("failed", "fal status: ERROR", None)
    assert job["completed"] is not None
    assert finish(job["id"]) == job
    assert sandbox.consumed_mxn() == 0


def test_job_can_fail_at_once(api, submit, finish, sandbox: RunningSandbox):
    sandbox.set_faults({"kind": "fail_job", "at": "submit", "error": "hand-over failed"})
    job = submit()
    assert (job["status"], job["error"], job["video_url"]) == ("failed", "hand-over failed", None)
    assert job["completed"] == job["created"]
    assert finish(job["id"]) == job
    assert sandbox.consumed_mxn() == 0


def test_failures_are_chosen_by_pattern_and_model(submit, finish, sandbox: RunningSandbox):
    sandbox.set_faults({"kind": "fail_job", "pattern": "(?i)fox$", "models": ["fal/kling-2"]})
    ends = {
        (prompt, model): finish(submit(prompt=prompt, model=model)["id"])["status"]
        for prompt in ("a FOX", "fox, a")
        for model in ("fal/kling-2", "fal/hailuo-02")
    }
    assert [which for which, status in ends.items() if status == "failed"] == [("a FOX", "fal/kling-2")]


def test_failures_by_rate_are_the_same_in_each_run(submit, sandbox: RunningSandbox):
    def fated(seed: int) -> list[bool]:
        sandbox.set_faults({"kind": "fail_job", "rate": 0.5}, seed=seed)
        before = len(sandbox.jobs())
        for number in range(20):
            submit(prompt=f"{seed}: fox {number}")
        return [job.fails_with is not None for job in sandbox.jobs()[before:]]

    first = fated(1)
    assert 2 < sum(first) < 18
    assert fated(2) != first


def test_second_take_of_a_failed_request_is_drawn_anew(submit, sandbox: RunningSandbox):
    sandbox.set_faults({"kind": "fail_job", "rate": 0.5})
    for _ in range(20):
        submit()
    assert {job.fails_with is None for job in sandbox.jobs()} == {True, False}


def test_content_filter_refuses_at_once(api, submit, sandbox: RunningSandbox):
    sandbox.set_faults({"kind": "content_filter", "pattern": "blood"})
    body = {"model": "fal/kling-2", "prompt": "a bloody fox"}
    refused = api.post("/videos/generations", json=body, headers={"Idempotency-Key": "row 1"})
    assert refused.status_code == 502
    assert refused.json()["error"]["code"] == "provider_unavailable"
    assert "content filter" in refused.json()["error"]["message"]
    assert sandbox.jobs() == []
    submit(prompt="a fox", headers={"Idempotency-Key": "row 1"})


def test_content_filter_can_fail_the_job_instead(submit, finish, sandbox: RunningSandbox):
    fault = {"kind": "content_filter", "pattern": "blood", "how": "job", "message": "content policy violation"}
    sandbox.set_faults(fault)
    job = finish(submit(prompt="a bloody fox")["id"])
    assert (job["status"], job["error"]) == ("failed", "content policy violation")
    assert sandbox.consumed_mxn() == 0


def test_stuck_job_is_never_done(submit, finish, sandbox: RunningSandbox):
    sandbox.set_faults({"kind": "stuck_job", "times": 1})
    stuck, healthy = submit(), submit()
    sandbox.set_faults()
    sandbox.clock.advance(10**7)
    assert finish(stuck["id"])["status"] == "processing"
    assert finish(healthy["id"])["status"] == "completed"


def test_pending_job_is_handed_over_by_its_first_poll(submit, finish, sandbox: RunningSandbox):
    sandbox.set_faults({"kind": "pending_job"})
    job = submit()
    assert job["status"] == "pending"
    assert finish(job["id"])["status"] == "processing"
    assert sandbox.consumed_mxn() == 0
    assert finish(job["id"])["status"] == "completed"


@pytest.mark.parametrize("how", ["render", "submit"])
def test_first_error_is_the_one_that_is_told(submit, finish, sandbox: RunningSandbox, how):
    sandbox.set_faults({"kind": "fail_job", "error": "first", "at": how}, {"kind": "fail_job", "error": "second"})
    assert finish(submit()["id"])["error"] == "first"
