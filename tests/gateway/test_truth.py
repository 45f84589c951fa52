"""/sandbox/*: the account, its jobs and transactions, and the ways to change it."""

from decimal import Decimal

import pytest

from dailies.gateway.testing import RunningSandbox


def test_account_tells_what_it_assumes_and_what_was_used(api, submit, finish, sandbox: RunningSandbox):
    finish(submit()["id"])
    submit(prompt="still rendering")
    account = api.get(f"{sandbox.root_url}/sandbox/account").json()
    assert account == {
        "org_id": sandbox.org_id,
        "balance_mxn": "99995.80",
        "consumed_mxn": "4.20",
        "fx_mxn_per_usd": "20.00",
        "time_scale": 1 / 200,
        "speed": 200.0,
        "seed": 0,
        "jobs": {"completed": 1, "processing": 1},
    }


def test_jobs_are_listed_without_moving_them(api, submit, sandbox: RunningSandbox):
    submit(headers={"Idempotency-Key": "row 1"})
    submit(prompt="a hare")
    sandbox.clock.advance(700)
    listed = api.get(f"{sandbox.root_url}/sandbox/jobs").json()["data"]
    assert [job["number"] for job in listed] == [1, 2]
    assert {job["status"] for job in listed} == {"processing"}
    assert listed[0]["idempotency_key"] == "row 1"
    assert listed[0]["polls"] == 0
    after = api.get(f"{sandbox.root_url}/sandbox/jobs?after=1&limit=1").json()["data"]
    assert after == listed[1:]


def test_transactions_show_their_factors(api, submit, finish, sandbox: RunningSandbox):
    job = finish(submit()["id"])
    bonus, charge = api.get(f"{sandbox.root_url}/sandbox/transactions").json()["data"]
    assert (bonus["type"], bonus["amount_mxn"], bonus["factors"]) == ("bonus", "100000.00", None)
    assert (charge["type"], charge["amount_mxn"], charge["job_id"]) == ("consumption", "-4.20", job["id"])


def test_recharge_takes_strings_and_numbers(api, sandbox: RunningSandbox):
    for amount in ("0.000001", 5, 2.5):
        answer = api.post(f"{sandbox.root_url}/sandbox/recharge", json={"amount_mxn": amount})
        assert answer.status_code == 200
    assert sandbox.balance_mxn() == Decimal("100007.500001")
    assert {entry.type for entry in sandbox.transactions()[1:]} == {"recharge"}


@pytest.mark.parametrize("amount", [0, -1, "0.0000001", "NaN", "inf", 10**12, None, True, "x"])
def test_impossible_recharge_is_refused(api, sandbox: RunningSandbox, amount):
    answer = api.post(f"{sandbox.root_url}/sandbox/recharge", json={"amount_mxn": amount})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("amount_mxn: ")
    assert sandbox.balance_mxn() == 100_000


def test_adjustment_may_be_negative(api, sandbox: RunningSandbox):
    body = {"amount_mxn": "-100000", "type": "adjustment"}
    assert api.post(f"{sandbox.root_url}/sandbox/recharge", json=body).json()["balance_mxn"] == "0.00"


def test_fx_is_changed_for_later_charges(api, submit, finish, sandbox: RunningSandbox):
    answer = api.post(f"{sandbox.root_url}/sandbox/fx", json={"fx_mxn_per_usd": "18.5"})
    assert answer.json()["fx_mxn_per_usd"] == "18.50"
    finish(submit()["id"])
    assert sandbox.consumed_mxn() == Decimal("3.885")
    assert api.post(f"{sandbox.root_url}/sandbox/fx", json={"fx_mxn_per_usd": 0}).status_code == 400


def test_keys_are_made_and_ended(api, sandbox: RunningSandbox):
    made = api.post(f"{sandbox.root_url}/sandbox/keys", json={}).json()
    assert made["org_id"] == sandbox.org_id
    headers = {"Authorization": f"Bearer {made['api_key']}"}
    assert api.get("/credits", headers=headers).status_code == 200
    api.post(f"{sandbox.root_url}/sandbox/keys/revoke", json={"api_key": made["api_key"]})
    assert api.get("/credits", headers=headers).json()["error"]["code"] == "key_revoked"
    api.post(f"{sandbox.root_url}/sandbox/keys/revoke", json={})
    assert api.get("/credits").status_code == 401


def test_health_needs_no_key(api, sandbox: RunningSandbox):
    health = api.get(f"{sandbox.root_url}/healthz", headers={"Authorization": ""}).json()
    assert health["service"] == "dailies-sandbox"
    assert health["instance_id"] == sandbox.address.instance_id
