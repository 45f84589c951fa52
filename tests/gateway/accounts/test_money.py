"""Charges: the worked examples of the documentation, the rounding rule, the balance in every answer."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.gateway.accounts.money import MICROS, charge_micros, to_micros, to_text
from dailies.gateway.testing import RunningSandbox


@pytest.mark.parametrize(
    ("model", "charged"),
    [
        ("fal/kling-2", "4.20"),
        ("fal/runway-gen-4", "5.25"),
        ("fal/luma-ray-2", "21.00"),
        ("fal/veo-3.1", "42.00"),
        ("google/veo-3.1", "42.00"),
    ],
)
def test_worked_examples_of_the_documentation(submit, finish, sandbox: RunningSandbox, model, charged):
    finish(submit(model=model, duration=5)["id"])
    assert sandbox.consumed_mxn() == Decimal(charged)


@given(
    usd=st.decimals("0.01", "2", places=4),
    duration_s=st.integers(1, 10),
    fx=st.decimals("0.000001", "1000", places=6),
)
def test_charge_is_rounded_once_half_up(usd, duration_s, fx):
    exact = usd * duration_s * Decimal("1.05") * fx
    rounded = exact.quantize(Decimal("0.000001"), ROUND_HALF_UP)
    assert Decimal(charge_micros(usd, duration_s, to_micros(fx))) / MICROS == rounded


def test_half_a_micro_rounds_up():
    # 0.01 x 1 x 1.05 x 0.000100 = 0.00000105; x 0.00333 = 0.000034965
    assert charge_micros(Decimal("0.01"), 1, to_micros(Decimal("0.003330"))) == 35
    assert charge_micros(Decimal("0.1"), 1, to_micros(Decimal("0.000100"))) == 11


@given(st.integers(-(10**15), 10**15))
def test_text_of_money_is_exact(micros):
    text = to_text(micros)
    assert to_micros(Decimal(text)) == micros
    assert len(text.partition(".")[2]) >= 2


@pytest.mark.parametrize("amount", ["0.0000001", "NaN", "Infinity"])
def test_inexact_amounts_are_refused(amount):
    with pytest.raises(ValueError, match="must"):
        to_micros(Decimal(amount))


def test_fx_of_the_completion_counts(submit, finish, sandbox: RunningSandbox):
    job = submit()
    sandbox.set_fx("18.5")
    finish(job["id"])
    assert sandbox.consumed_mxn() == Decimal("3.885")
    assert sandbox.transactions()[-1].as_json()["factors"] == {
        "usd_per_second": "0.04",
        "duration_s": 5,
        "markup": "1.05",
        "fx_mxn_per_usd": "18.50",
    }


def test_every_authenticated_answer_tells_the_balance_after_it(api, submit, finish, sandbox: RunningSandbox):
    job = submit()
    assert api.get("/models").headers["x-geekhub-balance-mxn"] == "100000.00"
    sandbox.clock.advance(700)
    assert api.get(f"/videos/{job['id']}").headers["x-geekhub-balance-mxn"] == "99995.80"
    assert api.get("/videos/unknown").headers["x-geekhub-balance-mxn"] == "99995.80"
    assert api.get("/credits").json() == {"object": "credits", "balance_mxn": "99995.80", "currency": "MXN"}


@pytest.mark.parametrize("balance", ["0", "-0.000001"])
def test_empty_balance_refuses_submits_only(api, submit, finish, sandbox: RunningSandbox, balance):
    job = submit()
    sandbox.set_balance(balance)
    refused = api.post("/videos/generations", json={"model": "fal/kling-2", "prompt": "another"})
    assert refused.status_code == 402
    assert refused.json()["error"]["code"] == "insufficient_balance"
    assert finish(job["id"])["status"] == "completed"
    assert sandbox.balance_mxn() == Decimal(balance) - Decimal("4.20")
    sandbox.recharge(100)
    assert submit(prompt="after the top-up")["status"] == "processing"


def test_jobs_in_flight_can_drive_the_balance_below_zero(submit, finish, sandbox: RunningSandbox):
    sandbox.set_balance("5")
    jobs = [submit(), submit()]
    for job in jobs:
        finish(job["id"])
    assert sandbox.balance_mxn() == Decimal("-3.40")
