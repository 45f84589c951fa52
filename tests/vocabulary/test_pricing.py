"""Money: GeekHub's examples, the rounding, and the month whose FX applies."""

from datetime import UTC, datetime
from decimal import ROUND_UP, Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.catalogue import load_catalogue
from dailies.pricing import ZERO, Tariff, quantize
from tests.factories import NOW, make_tariff

CATALOGUE = load_catalogue()
QUANTUM = Fraction(1, 1_000_000)

prices = st.decimals("0", "10", places=2)
seconds = st.integers(1, 10)
markups = st.decimals("1", "10", places=6)
rates = st.decimals("1", "1000", places=6)


def charge_mxn(model: str, duration_s: int, tariff: Tariff | None = None, at: datetime = NOW) -> Decimal | None:
    tariff = tariff or make_tariff()
    charge = tariff.charge(CATALOGUE[model].usd_per_second, duration_s, tariff.markup, at)
    return charge and charge.mxn


@pytest.mark.parametrize(
    ("model", "duration_s", "mxn"),
    [
        ("fal/kling-2", 5, "4.20"),
        ("fal/runway-gen-4", 5, "5.25"),
        ("fal/luma-ray-2", 5, "21.00"),
        ("google/veo-3.1", 5, "42.00"),
        ("fal/veo-3.1", 5, "42.00"),
    ],
)
def test_the_documentations_worked_examples(model, duration_s, mxn):
    assert charge_mxn(model, duration_s) == Decimal(mxn)


def test_ten_kling_clips_cost_what_the_documentation_says():
    charges = [charge_mxn("fal/kling-2", 5) for _ in range(10)]

    assert sum(charges, ZERO) == Decimal("42.00")


def test_a_charge_carries_every_factor_behind_it():
    charge = make_tariff(fx_source="the table").charge(Decimal("0.04"), 5, Decimal("1.05"), NOW)

    assert charge is not None
    assert (charge.usd, charge.fx_mxn_per_usd, charge.fx_source) == (Decimal("0.21"), Decimal(20), "the table")


@pytest.mark.parametrize(
    ("amount", "mxn"), [("0.0000005", "0.000001"), ("0.0000004", "0"), ("1.2345675", "1.234568"), ("4.2", "4.2")]
)
def test_charges_round_half_up_at_six_places(amount, mxn):
    assert quantize(Decimal(amount)) == Decimal(mxn)
    assert quantize(Decimal(amount)).as_tuple().exponent == -6


@given(prices, seconds, markups, rates)
def test_a_charge_is_never_negative_and_exact_to_half_a_quantum(price, duration_s, markup, fx):
    charge = make_tariff(fx={"*": fx}).charge(price, duration_s, markup, NOW)

    assert charge is not None
    assert charge.mxn >= 0
    exact = Fraction(price) * duration_s * Fraction(markup) * Fraction(fx)
    assert -QUANTUM / 2 < Fraction(charge.mxn) - exact <= QUANTUM / 2


@given(st.sampled_from(list(CATALOGUE.values())), seconds, markups, rates)
def test_a_worst_case_is_never_less_than_the_charge_and_less_than_a_quantum_above_it(model, duration_s, markup, fx):
    tariff = make_tariff(fx={"*": fx}, markup=markup)
    worst = tariff.worst_mxn([model], duration_s, NOW)

    assert worst is not None
    exact = Fraction(model.usd_per_second) * duration_s * Fraction(markup) * Fraction(fx)
    assert 0 <= Fraction(worst) - exact < QUANTUM
    charge = tariff.charge(model.usd_per_second, duration_s, markup, NOW)
    assert charge is not None
    assert charge.mxn <= worst


@given(st.decimals("0", "1000", places=9))
def test_rounding_up_never_loses_anything(amount):
    assert quantize(amount, ROUND_UP) >= amount


def test_the_worst_case_is_the_dearest_of_a_model_and_its_fallbacks():
    models = [CATALOGUE["fal/kling-2"], CATALOGUE["google/veo-3.1"], CATALOGUE["fal/runway-gen-4"]]

    assert make_tariff().worst_mxn(models, 5, NOW) == Decimal("42.00")


def test_the_worst_case_reckons_with_the_fx_ceiling():
    tariff = make_tariff(fx_ceiling=Decimal(25))

    assert tariff.worst_mxn([CATALOGUE["fal/kling-2"]], 5, NOW) == Decimal("5.25")


def test_a_ceiling_below_the_months_fx_changes_nothing():
    tariff = make_tariff(fx_ceiling=Decimal(15))

    assert tariff.worst_mxn([CATALOGUE["fal/kling-2"]], 5, NOW) == Decimal("4.20")


def test_the_worst_case_reckons_with_a_dearer_month_to_come_in_which_the_job_may_complete():
    tariff = make_tariff(fx={"2026-10": Decimal(90), "2026-11": Decimal(20), "2026-12": Decimal(25)})

    assert tariff.worst_mxn([CATALOGUE["fal/kling-2"]], 5, NOW) == Decimal("5.25")


def test_the_worst_case_of_what_was_sent_reckons_with_every_month_since():
    tariff = make_tariff(fx={"2026-09": Decimal(90), "2026-10": Decimal(25), "2026-11": Decimal(20)})
    kling, october = [CATALOGUE["fal/kling-2"]], NOW.replace(month=10)

    assert tariff.worst_mxn(kling, 5, NOW, since=october) == Decimal("5.25")
    assert tariff.worst_mxn(kling, 5, NOW, since=NOW) == Decimal("4.20")


def test_a_clock_that_was_ahead_when_a_job_was_sent_leaves_out_no_month():
    tariff = make_tariff(fx={"2026-11": Decimal(25), "2026-12": Decimal(20)})

    assert tariff.worst_mxn([CATALOGUE["fal/kling-2"]], 5, NOW, since=NOW.replace(month=12)) == Decimal("5.25")


@pytest.mark.parametrize(
    ("instant", "month"),
    [
        (datetime(2026, 12, 1, 5, 59, 59, 999_999, UTC), "2026-11"),  # 23:59:59.999999 in Mexico City
        (datetime(2026, 12, 1, 6, 0, tzinfo=UTC), "2026-12"),
        (datetime(2027, 1, 1, 5, 59, tzinfo=UTC), "2026-12"),
        (datetime(2027, 1, 1, 6, 0, tzinfo=UTC), "2027-01"),
    ],
)
def test_a_month_begins_at_midnight_in_the_tariffs_time_zone(instant, month):
    assert make_tariff().month(instant) == month


def test_the_month_in_which_a_job_completed_sets_its_fx():
    tariff = make_tariff(fx={"2026-11": Decimal(20), "2026-12": Decimal(40)})
    last, first = datetime(2026, 12, 1, 5, 59, 59, tzinfo=UTC), datetime(2026, 12, 1, 6, tzinfo=UTC)

    assert charge_mxn("fal/kling-2", 5, tariff, last) == Decimal("4.20")
    assert charge_mxn("fal/kling-2", 5, tariff, first) == Decimal("8.40")


def test_another_time_zone_has_other_month_boundaries():
    instant = datetime(2026, 12, 1, 3, tzinfo=UTC)

    assert make_tariff(zone=ZoneInfo("UTC")).month(instant) == "2026-12"
    assert make_tariff().month(instant) == "2026-11"


def test_a_month_without_fx_has_no_charge_and_no_worst_case():
    tariff = make_tariff(fx={"2026-10": Decimal(20)})

    assert charge_mxn("fal/kling-2", 5, tariff) is None
    assert tariff.worst_mxn([CATALOGUE["fal/kling-2"]], 5, NOW) is None


def test_a_rate_for_any_month_stands_in_where_the_month_has_none():
    tariff = make_tariff(fx={"*": Decimal(20), "2026-12": Decimal(40)})

    assert tariff.fx_at(NOW) == 20
    assert tariff.fx_at(datetime(2026, 12, 24, tzinfo=UTC)) == 40
