"""Keys: their form, the three refusals, isolation of organisations, and where they are kept."""

import re

import httpx
import pytest

from dailies.gateway.testing import RunningSandbox
from tests.gateway.sandbox_client import client_of, get


def test_key_has_the_documented_form(sandbox: RunningSandbox):
    assert re.fullmatch("ghub_sk_test_[0-9A-Za-z]{32}", sandbox.api_key)
    assert len(sandbox.api_key) == 45


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "missing_api_key"),
        ("", "missing_api_key"),
        ("Bearer", "missing_api_key"),
        ("Basic dXNlcg==", "missing_api_key"),
        ("Bearer ghub_sk_test_" + "x" * 32, "invalid_api_key"),
        ("Bearer \xff", "invalid_api_key"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/models", "/v1/videos/x", "/v1/nothing", "/sandbox/jobs"])
def test_refused_key_is_told_why(sandbox: RunningSandbox, header, code, path):
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    answer = get(sandbox.root_url + path, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == code
    assert re.fullmatch("req_[0-9a-f]{24}", answer.json()["error"]["request_id"])
    assert "x-geekhub-balance-mxn" not in answer.headers


def test_key_comes_before_the_body(sandbox: RunningSandbox):
    answer = httpx.post(sandbox.base_url + "/videos/generations", content=b"{")
    assert answer.json()["error"]["code"] == "missing_api_key"


def test_revoked_key_is_refused_and_another_goes_on(api, submit, sandbox: RunningSandbox):
    job = submit()
    fresh = sandbox.new_key()
    sandbox.revoke_key()
    refused = api.get(f"/videos/{job['id']}")
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "key_revoked"
    with client_of(sandbox, fresh) as another:
        assert another.get(f"/videos/{job['id']}").json() == job


def test_jobs_of_another_organisation_do_not_exist(api, submit, sandbox: RunningSandbox):
    mine = submit()
    made = api.post(f"{sandbox.root_url}/sandbox/keys", json={"new_organisation": True, "balance_mxn": "10"})
    with client_of(sandbox, made.json()["api_key"]) as stranger:
        sandbox.clock.advance(700)
        refused = stranger.get(f"/videos/{mine['id']}")
        assert refused.status_code == 404
        assert refused.json()["error"]["code"] == "job_not_found"
        assert stranger.get(f"{sandbox.root_url}/sandbox/jobs").json()["data"] == []
        assert stranger.get("/credits").json()["balance_mxn"] == "10.00"
    assert sandbox.jobs()[0].polls == 0


def test_key_is_nowhere_in_clear_but_in_its_own_file(submit, sandbox: RunningSandbox):
    submit()
    holders = [
        path.name
        for path in sandbox.data_dir.rglob("*")
        if path.is_file() and sandbox.api_key.encode() in path.read_bytes()
    ]
    assert holders == ["connection.json"]
    assert (sandbox.data_dir / "connection.json").stat().st_mode & 0o777 == 0o600
    assert sandbox.api_key not in repr(sandbox.address)
