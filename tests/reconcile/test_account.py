"""Ledger and account: what agrees, what is explained, and what is not."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from dailies.errors import LedgerError
from dailies.reconcile.account import (
    AccountReport,
    LastSettlement,
    LedgerTotals,
    compare,
    read_last_settlement,
    write_last_settlement,
)

BOOKED = LedgerTotals(Decimal("42.000000"), 10, 0, Decimal(0))
LAST = LastSettlement(datetime(2026, 11, 1, tzinfo=UTC), Decimal("100.00"), Decimal("21.000000"), 5)


def unknown(mxn: str) -> LedgerTotals:
    return replace(BOOKED, unknown=1, unknown_mxn=Decimal(mxn))


def test_a_sandbox_that_charged_what_is_booked_agrees() -> None:
    found = compare(AccountReport(Decimal(58), Decimal(42)), BOOKED, None, None)
    assert (found.difference_mxn, found.is_explained) == (0, True)


@pytest.mark.parametrize("consumed", ["42.000001", "41.999999", "46.2"])
def test_a_sandbox_is_compared_to_the_last_digit(consumed: str) -> None:
    assert not compare(AccountReport(consumed_mxn=Decimal(consumed)), BOOKED, None, None).is_explained


def test_an_unknown_charge_explains_as_much_as_it_may_have_cost() -> None:
    assert compare(AccountReport(consumed_mxn=Decimal("46.2")), unknown("4.2"), None, None).is_explained
    assert not compare(AccountReport(consumed_mxn=Decimal("46.200001")), unknown("4.2"), None, None).is_explained
    assert not compare(AccountReport(consumed_mxn=Decimal("41")), unknown("4.2"), None, None).is_explained


def test_a_service_that_tells_nothing_can_be_compared_with_nothing() -> None:
    assert compare(AccountReport(), BOOKED, LAST, None).difference_mxn is None


def test_the_first_settlement_has_nothing_to_compare_with() -> None:
    assert compare(AccountReport(Decimal(58)), BOOKED, None, None).difference_mxn is None


def test_what_left_the_balance_is_what_was_booked_since() -> None:
    found = compare(AccountReport(Decimal("79.00")), BOOKED, LAST, None)
    assert (found.difference_mxn, found.is_explained) == (0, True)


def test_what_left_the_balance_beyond_the_books_is_not_explained() -> None:
    found = compare(AccountReport(Decimal("70.00")), BOOKED, LAST, None)
    assert (found.difference_mxn, found.is_explained) == (9, False)


def test_a_balance_that_rose_was_credited() -> None:
    found = compare(AccountReport(Decimal("579.00")), BOOKED, LAST, None)
    assert (found.difference_mxn, found.credited_mxn, found.is_explained) == (0, 500, True)


def test_a_credit_that_is_named_hides_no_consumption() -> None:
    assert compare(AccountReport(Decimal("579.00")), BOOKED, LAST, Decimal(500)).is_explained
    assert not compare(AccountReport(Decimal("570.00")), BOOKED, LAST, Decimal(500)).is_explained
    assert not compare(AccountReport(Decimal("588.00")), BOOKED, LAST, Decimal(500)).is_explained


def test_half_a_cent_a_charge_is_rounding() -> None:
    assert compare(AccountReport(Decimal("78.975")), BOOKED, LAST, None).is_explained
    assert not compare(AccountReport(Decimal("78.97")), BOOKED, LAST, None).is_explained


@pytest.mark.parametrize("credited", [None, Decimal(0)])
def test_a_charge_that_was_unknown_last_time_and_is_booked_now_is_no_payment(credited: Decimal | None) -> None:
    """It left the balance before the last settlement; at most as much is explained by it."""
    last = replace(LAST, unknown_mxn=Decimal("21.000000"))
    found = compare(AccountReport(LAST.balance_mxn), BOOKED, last, credited)
    assert (found.difference_mxn, found.credited_mxn, found.is_explained) == (-21, 0, True)
    beyond = compare(AccountReport(Decimal("100.03")), BOOKED, last, credited)
    assert beyond.is_explained is (credited is None)
    assert beyond.credited_mxn == (Decimal("21.03") if credited is None else 0)


def test_what_a_settlement_of_an_older_version_saw_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "settled.json"
    path.write_text('{"at": "2026-11-01T00:00:00Z", "balance_mxn": "100.00", "charged_mxn": "21.000000", "charges": 5}')
    assert read_last_settlement(path) == LAST


def test_what_was_seen_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "settled.json"
    assert read_last_settlement(path) is None
    write_last_settlement(path, LAST)
    assert read_last_settlement(path) == LAST


def test_a_damaged_memory_is_named(tmp_path: Path) -> None:
    path = tmp_path / "settled.json"
    path.write_text("{")
    with pytest.raises(LedgerError, match=r"settled\.json is damaged"):
        read_last_settlement(path)
