"""Limiter: who may send when, and how a refusal is made up for."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.pacing.pace import Pace
from dailies.pacing.rate_limiter import AdaptiveRate, Limiter, Rate


def submits(limiter: Limiter, count: int, now: float = 0.0) -> list[float]:
    """When so many submits go out."""
    times = []
    for _ in range(count):
        now += limiter.submit_wait_s(now)
        limiter.submit(now)
        times.append(now)
    return times


def test_turns_are_evenly_spaced():
    assert submits(Limiter(Pace(4.0, 10)), 4, 100.0) == [100.0, 100.25, 100.5, 100.75]


def test_time_that_nobody_used_is_not_saved_up():
    limiter = Limiter(Pace(4.0, 10))
    submits(limiter, 1)

    assert submits(limiter, 3, 60.0) == [60.0, 60.25, 60.5]


@given(st.lists(st.floats(0, 10), max_size=50), st.floats(0.1, 100), st.floats(0, 5))
def test_no_more_turns_than_the_rate_allows(gaps, per_s, burst_s):
    rate, now, times = Rate(per_s, burst_s), 0.0, []
    for gap in gaps:
        now += gap
        now += rate.wait_s(now)
        rate.spend(now)
        times.append(now)
    for first, begin in enumerate(times):
        for last in range(first, len(times)):
            assert last - first <= (times[last] - begin + burst_s + 0.1) * per_s + 1 + 1e-6


def test_who_wakes_up_a_little_late_does_not_put_off_all_others():
    rate, now = Rate(10.0), 0.0
    for _ in range(100):
        now += rate.wait_s(now) + 0.03
        rate.spend(now)

    assert now == pytest.approx(100 / 10.0, abs=0.2)


def test_submits_and_polls_share_the_account_s_rate():
    limiter = Limiter(Pace(100.0, 10, requests_per_s=2.0))
    limiter.submit(0.0)

    assert limiter.poll_wait_s(0.0) == limiter.submit_wait_s(0.0) == 0.5


def test_polls_and_submits_share_the_events_that_the_server_takes_in():
    limiter = Limiter(Pace(1000.0, 10, events_per_s=60.0))
    now = 0.0
    for _ in range(300):
        now += limiter.submit_wait_s(now)
        limiter.submit(now)
        now += limiter.poll_wait_s(now)
        limiter.poll(now)

    assert 300 * 8 / (now + 2.0) <= 60.0 * 1.01  # two seconds' worth may come at once


def test_without_any_rate_polls_never_wait():
    limiter = Limiter(Pace(1.0, 10))
    for _ in range(1000):
        assert limiter.poll_wait_s(0.0) == 0.0
        limiter.poll(0.0)


def test_a_pause_holds_everybody_back_until_it_is_over():
    limiter = Limiter(Pace(10.0, 10))
    limiter.pause(100.0, 5.0)

    assert [limiter.paused_for(now) for now in (100.0, 103.0, 105.0, 200.0)] == [5.0, 2.0, 0.0, 0.0]
    assert limiter.submit_wait_s(101.0) == limiter.poll_wait_s(101.0) == 4.0


def test_a_longer_pause_wins_and_a_shorter_one_changes_nothing():
    limiter = Limiter(Pace(10.0, 10))
    limiter.pause(100.0, 5.0)
    limiter.pause(101.0, 1.0)
    assert limiter.paused_for(101.0) == 4.0

    limiter.pause(102.0, 9.0)
    assert limiter.paused_for(102.0) == 9.0


def test_a_burst_of_refusals_halves_the_rate_once():
    limiter = Limiter(Pace(8.0, 10))
    for _ in range(20):
        limiter.pause(100.0, 2.0)
    assert limiter.submits.per_s == 4.0

    limiter.pause(103.0, 2.0)
    assert limiter.submits.per_s == 2.0


def test_refused_polls_slow_polls_down_and_leave_submits_alone():
    limiter = Limiter(Pace(8.0, 10))
    for n in range(100):
        limiter.poll(n / 20)
    limiter.pause(5.0, 1.0, is_poll=True)

    assert limiter.submits.per_s == 8.0
    assert limiter.polls.per_s == pytest.approx(10.0, rel=0.1)  # half of what they had


def test_the_rate_never_falls_below_a_sixteenth():
    rate = AdaptiveRate(16.0)
    for burst in range(20):
        rate.refused(burst * 100.0)

    assert rate.per_s == 1.0


def test_it_recovers_by_even_steps_to_just_below_what_was_refused_then_slowly():
    rate = AdaptiveRate(10.0)
    rate.refused(0.0)
    rates = []
    for turn in range(400):
        rate.spend(1000.0 * turn)
        rates.append(rate.per_s)

    assert rates[8:10] == [5.0, 6.0]
    assert rates[39] == 9.0
    assert rates[49] == pytest.approx(9.1)
    assert rates[-1] == 10.0


def test_a_new_refusal_starts_the_count_of_undisturbed_turns_anew():
    rate = AdaptiveRate(10.0)
    rate.refused(0.0)
    for turn in range(9):
        rate.spend(10.0 + turn)
    rate.refused(100.0)
    rate.spend(200.0)

    assert rate.per_s == 2.5


@pytest.mark.parametrize("allowed_per_s", [1.0, 3.0, 5.0, 9.0])
def test_an_account_s_rate_that_nobody_told_is_found_and_mostly_used(allowed_per_s):
    """A service that allows so many submits a second and says Retry-After: 1 to the others."""
    limiter, bucket, now = Limiter(Pace(10.0, 10)), Rate(allowed_per_s, 0.5), 0.0
    sent = refused = 0
    while now < 300.0:
        now += limiter.submit_wait_s(now)
        limiter.submit(now)
        if bucket.wait_s(now) > 0:
            refused += 1
            limiter.pause(now, 1.0)
        else:
            bucket.spend(now)
            sent += 1

    assert sent > 0.75 * allowed_per_s * 300
    assert refused < 0.1 * sent


def test_no_rate_at_all_is_infinite():
    assert Rate(math.inf).wait_s(0.0) == 0.0


def test_an_outage_holds_everybody_and_slows_nobody_down():
    limiter = Limiter(Pace(10.0, 10))
    limiter.hold(100.0, 5.0)
    assert limiter.paused_for(101.0) == 4.0
    assert limiter.submits.per_s == 10.0
