"""The fault script on requests: refused, lost, late, cut, odd - and what was carried out all the same."""

import time
from decimal import Decimal
from email.utils import parsedate_to_datetime

import httpx
import pytest

from dailies.gateway.testing import RunningSandbox
from tests.gateway.sandbox_client import get

BODY = {"model": "fal/kling-2", "prompt": "a fox"}


def post(api: httpx.Client, **fields) -> httpx.Response:
    return api.post("/videos/generations", json=BODY | fields)


def statuses(answers) -> list[int]:
    return [answer.status_code for answer in answers]


def test_lost_reply_leaves_a_job_and_no_answer(api, sandbox: RunningSandbox):
    sandbox.set_faults({"kind": "lost_reply", "every": 3})
    assert statuses(post(api) for _ in range(2)) == [200, 200]
    with pytest.raises(httpx.RemoteProtocolError):
        post(api)
    assert len(sandbox.jobs()) == 3
    assert post(api).status_code == 200


def test_lost_submit_is_found_again_by_its_idempotency_key(api, sandbox: RunningSandbox):
    sandbox.set_faults({"kind": "lost_reply", "times": 1})
    headers = {"Idempotency-Key": "row 1"}
    with pytest.raises(httpx.RemoteProtocolError):
        api.post("/videos/generations", json=BODY, headers=headers)
    repeated = api.post("/videos/generations", json=BODY, headers=headers)
    assert [job.id for job in sandbox.jobs()] == [repeated.json()["id"]]


def test_lost_poll_charges_all_the_same(api, submit, sandbox: RunningSandbox):
    job = submit()
    sandbox.clock.advance(700)
    sandbox.set_faults({"kind": "lost_reply", "routes": ["poll"], "times": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        api.get(f"/videos/{job['id']}")
    assert sandbox.consumed_mxn() == Decimal("4.20")
    assert api.get(f"/videos/{job['id']}").json()["status"] == "completed"
    assert sandbox.consumed_mxn() == Decimal("4.20")


def test_throttle_answers_429_beyond_its_rate(api, sandbox: RunningSandbox):
    sandbox.set_faults({"kind": "throttle", "requests_per_second": 0.001, "burst": 2, "retry_after_s": 7})
    answers = [post(api) for _ in range(4)]
    assert statuses(answers) == [200, 200, 429, 429]
    assert answers[-1].headers["retry-after"] == "7"
    assert answers[-1].json()["error"]["code"] == "rate_limit_exceeded"
    assert len(sandbox.jobs()) == 2
    assert sandbox.faults()[0]["fired"] == 2


@pytest.mark.parametrize("form", ["date", "absent"])
def test_throttle_speaks_of_retry_after_in_its_other_forms(api, sandbox: RunningSandbox, form):
    fault = {"kind": "throttle", "requests_per_second": 0.001, "retry_after": form}
    sandbox.set_faults(fault)
    post(api)
    retry_after = post(api).headers.get("retry-after")
    if form == "absent":
        assert retry_after is None
    else:
        assert parsedate_to_datetime(retry_after).timestamp() > time.time()


@pytest.mark.parametrize(
    ("status", "code"), [(500, "internal_error"), (502, "provider_unavailable"), (503, "service_unavailable")]
)
def test_server_error_is_told_in_the_documented_form(api, submit, sandbox: RunningSandbox, status, code):
    job = submit()
    sandbox.set_faults({"kind": "server_error", "status": status, "message": "overloaded"})
    for answer in (post(api), api.get(f"/videos/{job['id']}")):
        assert answer.status_code == status
        assert answer.json()["error"]["code"] == code
        assert answer.json()["error"]["message"] == "overloaded"
    assert api.get("/credits").status_code == 200
    assert len(sandbox.jobs()) == 1


@pytest.mark.parametrize("carried_out", [False, True])
def test_proxys_page_has_no_error_body(api, sandbox: RunningSandbox, carried_out):
    fault = {"kind": "server_error", "status": 502, "body": False, "carried_out": carried_out}
    sandbox.set_faults(fault)
    answer = post(api)
    assert answer.status_code == 502
    assert answer.headers["content-type"].startswith("text/html")
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()
    assert len(sandbox.jobs()) == carried_out


def test_error_body_after_the_request_was_carried_out(api, sandbox: RunningSandbox):
    sandbox.set_faults({"kind": "server_error", "status": 500, "carried_out": True})
    answer = post(api)
    assert answer.status_code == 500
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]
    assert len(sandbox.jobs()) == 1


def test_routes_are_chosen(api, submit, sandbox: RunningSandbox):
    job = submit()
    sandbox.set_faults({"kind": "server_error", "routes": ["models", "credits", "storage"]})
    assert api.get(f"/videos/{job['id']}").status_code == 200
    assert statuses(api.get(path) for path in ("/models", "/credits")) == [500, 500]
    storage = f"{sandbox.root_url}/storage/v1/object/public/generated-videos/x"
    assert get(storage).status_code == 500
    assert get(f"{sandbox.root_url}/healthz").status_code == 200


def test_slow_answer_outlasts_the_client_but_is_carried_out(api, sandbox: RunningSandbox):
    sandbox.set_faults({"kind": "slow", "seconds": 3600, "times": 1})
    with pytest.raises(httpx.ReadTimeout):
        api.post("/videos/generations", json=BODY, timeout=0.2)
    assert len(sandbox.jobs()) == 1
    assert post(api).status_code == 200


def test_truncated_answer_ends_in_the_middle(api, submit, sandbox: RunningSandbox):
    job = submit()
    sandbox.set_faults({"kind": "garble", "form": "truncated", "times": 1})
    with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
        api.get(f"/videos/{job['id']}")
    assert api.get(f"/videos/{job['id']}").json() == job


@pytest.mark.parametrize("form", ["half_json", "html", "empty"])
def test_garbled_answer_is_no_json(api, submit, sandbox: RunningSandbox, form):
    job = submit()
    sandbox.set_faults({"kind": "garble", "form": form})
    answer = api.get(f"/videos/{job['id']}")
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"line 1"):
        answer.json()


def test_garbled_storage_cuts_the_download(finish, submit, sandbox: RunningSandbox):
    url = finish(submit()["id"])["video_url"]
    sandbox.set_faults({"kind": "garble", "routes": ["storage"], "form": "truncated"})
    with pytest.raises(httpx.RemoteProtocolError):
        get(url)


@pytest.mark.parametrize(
    ("form", "changed"),
    [
        ("wrong_types", {"status": 7, "duration": "five", "created": None, "video_url": ["x"]}),
        ("extra_fields", {"progress": 0.5, "usage": {"seconds": 5}}),
        ("unknown_status", {"status": "postprocessing"}),
        ("no_url", {"status": "completed", "video_url": None}),
    ],
)
def test_odd_answers_about_a_completed_job(api, submit, finish, sandbox: RunningSandbox, form, changed):
    job = finish(submit()["id"])
    sandbox.set_faults({"kind": "odd_answer", "form": form})
    assert api.get(f"/videos/{job['id']}").json() == job | changed
    assert api.get("/videos/unknown").json()["error"]["code"] == "job_not_found"


def test_job_vanishes_for_a_while(api, submit, sandbox: RunningSandbox):
    jobs = [submit(), submit(prompt="a hare")]
    sandbox.set_faults({"kind": "vanish", "after_polls": 1, "polls": 2})
    for job in jobs:
        assert statuses(api.get(f"/videos/{job['id']}") for _ in range(5)) == [200, 404, 404, 200, 200]


def test_vanishing_is_drawn_for_whole_jobs(api, submit, sandbox: RunningSandbox):
    jobs = [submit(prompt=f"fox {number}") for number in range(20)]
    sandbox.set_faults({"kind": "vanish", "polls": 3, "rate": 0.5})
    seen = [tuple(statuses(api.get(f"/videos/{job['id']}") for _ in range(4))) for job in jobs]
    assert set(seen) == {(404, 404, 404, 200), (200, 200, 200, 200)}


def test_key_is_revoked_after_some_requests(api, submit, sandbox: RunningSandbox):
    job = submit()
    sandbox.set_faults({"kind": "revoke_key", "after": 2})
    assert statuses(api.get(f"/videos/{job['id']}") for _ in range(4)) == [200, 200, 401, 401]
    assert post(api).json()["error"]["code"] == "key_revoked"


def test_balance_runs_out_after_some_submits(api, sandbox: RunningSandbox):
    sandbox.set_faults({"kind": "set_balance", "after": 2})
    assert statuses(post(api) for _ in range(4)) == [200, 200, 402, 402]
    sandbox.recharge(10)
    assert post(api).status_code == 200
    assert sandbox.transactions()[1].type == "adjustment"


def test_fx_changes_after_some_submits(submit, finish, sandbox: RunningSandbox):
    sandbox.set_faults({"kind": "set_fx", "after": 1, "fx_mxn_per_usd": "18.5"})
    finish(submit()["id"])
    finish(submit()["id"])
    assert [entry.amount_micros for entry in sandbox.transactions()[1:]] == [-4_200_000, -3_885_000]


def test_times_ends_a_fault(api, sandbox: RunningSandbox):
    sandbox.set_faults({"kind": "server_error", "after": 1, "times": 2})
    assert statuses(post(api) for _ in range(5)) == [200, 500, 500, 200, 200]
    assert sandbox.faults()[0]["fired"] == 2


def test_rate_is_repeatable_for_the_same_requests_in_any_order(api, sandbox: RunningSandbox):
    def struck(seed: int, numbers) -> dict[int, int]:
        sandbox.set_faults({"kind": "server_error", "rate": 0.4}, seed=seed)
        return {number: post(api, prompt=f"fox {number}").status_code for number in numbers}

    first = struck(1, range(30))
    assert first == struck(1, reversed(range(30)))
    assert first != struck(2, range(30))
    assert 0 < list(first.values()).count(500) < 30


def test_faults_together_strike_together(api, sandbox: RunningSandbox):
    sandbox.set_faults(
        {"kind": "odd_answer", "form": "extra_fields", "routes": ["submit"]},
        {"kind": "lost_reply", "every": 2},
    )
    assert post(api).json()["progress"] == 0.5
    with pytest.raises(httpx.RemoteProtocolError):
        post(api)


def test_an_ignored_idempotency_key_makes_a_second_job_that_costs_nothing(api, sandbox: RunningSandbox):
    sandbox.set_faults({"kind": "ignore_idempotency"})
    headers = {"Idempotency-Key": "row 1"}
    first, second = (api.post("/videos/generations", json=BODY, headers=headers).json()["id"] for _ in range(2))
    assert first != second
    assert len(sandbox.jobs()) == 2
    assert sandbox.consumed_mxn() == 0
