"""A fixed dozen of chaotic scenarios; ``make chaos N=1000`` plays as many as you like."""

from pathlib import Path

import pytest

from tools.chaos.scenario import make_scenario, play

DIRECT = ("0-direct", "3-direct", "4-direct", "6-direct", "7-direct", "9-direct", "10-direct", "12-direct")
THROUGH_PREFECT = ("4-prefect", "5-prefect", "7-prefect", "13-prefect")


@pytest.mark.parametrize("name", DIRECT)
def test_a_killed_run_loses_nothing_and_buys_nothing_twice(name: str, tmp_path: Path) -> None:
    assert play(make_scenario(name), tmp_path).breaches == []


@pytest.mark.e2e
@pytest.mark.parametrize("name", THROUGH_PREFECT)
def test_a_killed_run_through_prefect_loses_nothing_and_buys_nothing_twice(
    name: str, tmp_path: Path, prefect_api_url: str
) -> None:
    assert play(make_scenario(name), tmp_path, prefect_api_url).breaches == []
