"""Checking: the best times to look, held against theory, against simulation, and against brute force."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dailies.catalogue import load_catalogue
from dailies.pacing.poll_times import best_procedure, procedure_for
from dailies.pacing.render_estimates import RenderTimes, estimate

KLING = load_catalogue()["fal/kling-2"]


def distribution(mass: list[float], step_s: float = 1.0) -> RenderTimes:
    shares = np.array([0.0, *mass])
    return RenderTimes(step_s * np.arange(len(shares), dtype=float), shares / shares.sum())


def cost_of(times: RenderTimes, checks: list[int], price: float) -> float:
    """Compute expected polls + price x expected lag of polls at these points of the grid, job by job."""
    total = 0.0
    for cell, share in enumerate(times.mass):
        if share:
            looks = next(number for number, check in enumerate(checks, 1) if check >= cell)
            lag = times.times_s[checks[looks - 1]] - times.middles_s[cell]
            total += share * (looks + price * lag)
    return total


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=8), st.floats(0.01, 10))
def test_no_other_way_to_look_is_cheaper(mass, price):
    times = distribution(mass)
    last = len(mass)
    every_way = ([*some, last] for count in range(last) for some in combinations(range(1, last), count))

    found = best_procedure(times, price, max_gap_s=1e9)

    assert found.polls + price * found.lag_s == pytest.approx(min(cost_of(times, way, price) for way in every_way))


def test_for_a_constant_hazard_looks_are_evenly_spaced():
    """Barlow, Hunter and Proschan: the exponential distribution is checked periodically."""
    times = distribution(list(0.99 ** np.arange(900)))

    gaps = np.diff(best_procedure(times, 0.1, max_gap_s=1e9).checks_s)

    assert np.ptp(gaps[:10]) <= 10  # the grid's coarseness


def test_where_the_hazard_rises_gaps_shrink():
    gaps = np.diff(best_procedure(distribution([1.0] * 400), 0.1, max_gap_s=1e9).checks_s)

    assert gaps[0] > 3 * gaps[-1]


def test_no_gap_after_the_first_look_is_wider_than_the_bound():
    found = best_procedure(estimate(KLING), 0.001, max_gap_s=20.0)

    assert max(np.diff(found.checks_s)) <= 20.0 + 1.0
    assert found.checks_s[0] > 60.0


@pytest.mark.parametrize("lag_s", [2.0, 4.0, 7.5, 20.0])
def test_what_is_expected_is_what_happens(lag_s):
    times = estimate(KLING)
    found = procedure_for(times, lag_s, max_gap_s=60.0)
    chance = np.random.default_rng(1).random(200_000)
    done_s = np.interp(chance, np.cumsum(times.mass), times.times_s)
    checks = np.concatenate([found.checks_s, found.checks_s[-1] + 60.0 * np.arange(1, 100)])

    looks = np.searchsorted(checks, done_s)

    assert (looks + 1).mean() == pytest.approx(found.polls, rel=0.02)
    assert (checks[looks] - done_s).mean() == pytest.approx(found.lag_s, rel=0.04)
    assert found.lag_s == pytest.approx(lag_s, rel=0.05)
    assert found.lag_s <= lag_s


def test_less_lag_takes_more_looks():
    times = estimate(KLING)

    polls = [procedure_for(times, lag_s, max_gap_s=30.0).polls for lag_s in (2.0, 4.0, 7.5)]

    assert polls == sorted(polls, reverse=True)


def test_what_cannot_be_afforded_is_not_looked_at():
    assert procedure_for(estimate(KLING), 1.0, max_gap_s=30.0, max_polls=5.0).polls <= 5.0


@pytest.mark.parametrize("age_s", [1.0, 100.0, 150.0, 250.0, 500.0])
def test_a_job_that_nobody_has_looked_at_yet_is_looked_at_from_now_on(age_s):
    found = procedure_for(estimate(KLING), 7.5, max_gap_s=30.0)

    checks = found.checks_from(age_s)

    assert checks[0] >= age_s
    assert list(checks) == sorted(set(checks))
    if age_s < 100:
        assert checks[0] == pytest.approx(found.checks_s[0], rel=0.02)
    if age_s > 200:
        assert checks[0] == age_s
