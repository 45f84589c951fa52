"""Caps under fire: whatever fails, is retried, falls back or is taken over, no more is charged than was reserved."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from dailies.ledger.entry import EntryStatus
from tests.faults.place import Place
from tools.chaos.promises import breaches_at_the_end


def test_every_row_at_its_worst_case_comes_to_the_cap_exactly(place: Place) -> None:
    """Every job of the cheap models fails: ten rows end at their dearest fallback, over two killed runs."""
    place.sandbox.set_faults({"kind": "fail_job", "models": ["fal/kling-2", "fal/hailuo-02"]})
    csv = place.write_csv(10, model="fal/kling-2", duration="5", fallback="fal/hailuo-02|fal/luma-ray-2")
    for failpoint in ("after-answer:15", "after-poll:25"):
        place.run_csv(csv, failpoint, DAILIES_MAX_MONTH_MXN="210", DAILIES_MAX_COST_MXN="210")
        assert place.sandbox.consumed_mxn() <= 210
    assert place.run_csv(csv, DAILIES_MAX_MONTH_MXN="210", DAILIES_MAX_COST_MXN="210") == 0, place.said()
    assert place.sandbox.consumed_mxn() == 210
    assert {entry.attempt for entry in place.entries() if entry.status is EntryStatus.COMPLETED} == {4}
    assert list(breaches_at_the_end(place.ledger, place.sandbox, 10)) == []


def test_a_cap_one_centavo_short_is_refused_before_anything_is_sent(place: Place) -> None:
    csv = place.write_csv(10, model="fal/kling-2", duration="5", fallback="fal/luma-ray-2")
    assert place.run_csv(csv, DAILIES_MAX_MONTH_MXN="209.99") == 2, place.said()
    assert place.sandbox.jobs() == []


def test_two_files_share_the_cap_of_the_month(place: Place) -> None:
    one, other = (place.path / name for name in ("one.csv", "other.csv"))
    for csv in (one, other):
        csv.write_text("prompt\n" + "".join(f"{csv.stem} {number}\n" for number in range(6)))
    cap = {"DAILIES_MAX_MONTH_MXN": "29.4"}  # seven of the twelve rows
    with place.begin(one, **cap) as first, place.begin(other, **cap) as second:
        codes = sorted((first.wait(timeout=120), second.wait(timeout=120)))
    assert codes == [0, 2], place.said()
    assert place.sandbox.consumed_mxn() == Decimal("25.2")


def test_what_is_open_at_the_end_of_a_month_never_costs_more_than_was_reserved(place: Place) -> None:
    """Ordered at 20 MXN for a dollar, completed at the 25 of the next month: the worst case counted on 25."""
    now = datetime.now(UTC)
    months = sorted({f"{now + timedelta(days=days):%Y-%m}" for days in range(70)})

    def fx(today: int) -> dict[str, str]:
        rates = dict.fromkeys(months, 25) | {months[0]: today}
        return {
            "DAILIES_FX": ",".join(f"{month}={rate}" for month, rate in rates.items()),
            "DAILIES_FX_TIMEZONE": "UTC",
        }

    csv = place.write_csv(10)
    assert place.run_csv(csv, **fx(20), DAILIES_MAX_COST_MXN="52.49") == 2, "the dearer month counts"
    cap = {"DAILIES_MAX_COST_MXN": "52.5", "DAILIES_MAX_MONTH_MXN": "52.5"}
    place.run_csv(csv, "after-id:10", **fx(20), **cap)
    assert place.sandbox.consumed_mxn() == 0
    place.sandbox.set_fx(25)  # the month turns
    assert place.run_csv(csv, **fx(25), **cap) == 0, place.said()
    assert place.sandbox.consumed_mxn() == Decimal("52.5")
    assert {entry.fx_mxn_per_usd for entry in place.entries()} == {Decimal(25)}
    assert list(breaches_at_the_end(place.ledger, place.sandbox, 10)) == []
