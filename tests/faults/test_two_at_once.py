"""Two runs of the same CSV, started together: every row is bought once, by either of them."""

import pytest

from tests.faults.place import Place
from tools.chaos.promises import breach_of_the_cap, breaches_at_the_end


def run_twice_at_once(place: Place, name: str, rows: int) -> None:
    """Two runs at the same time under one cap; then a third, if rows were left to the one that ended first."""
    csv = place.path / name
    csv.write_text("prompt\n" + "".join(f"{name} scene {number}\n" for number in range(rows)))
    with place.begin(csv) as one, place.begin(csv) as other:
        codes = {one.wait(timeout=120), other.wait(timeout=120)}
    assert codes <= {0, 3}, place.said()
    assert place.run_csv(csv) == 0, place.said()


def test_every_row_is_bought_once(place: Place) -> None:
    run_twice_at_once(place, "night.csv", 10)
    assert list(breaches_at_the_end(place.ledger, place.sandbox, 10)) == []
    assert list(breach_of_the_cap(place.sandbox, 42)) == []


@pytest.mark.slow
def test_every_row_is_bought_once_twenty_times(direct: Place) -> None:
    for number in range(20):
        run_twice_at_once(direct, f"night-{number}.csv", 10)
    assert list(breaches_at_the_end(direct.ledger, direct.sandbox, 200)) == []
    assert list(breach_of_the_cap(direct.sandbox, 840)) == []
