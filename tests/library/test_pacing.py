"""Pacing: when to poll, who may submit when, and how much the settings allow."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.catalogue import load_catalogue
from dailies.pacing import Pace, Turns, pace_for, poll_schedule

CATALOGUE = load_catalogue()
KLING = CATALOGUE["fal/kling-2"]  # 2-5 min, poll every 15 s
RUNWAY = CATALOGUE["fal/runway-gen-4"]  # 30 s-2 min, poll every 10 s
models = st.sampled_from(list(CATALOGUE.values()))


def test_a_new_job_is_first_looked_at_when_its_model_may_be_done_and_then_as_documented():
    schedule = poll_schedule(KLING, 0.0, time_scale=1.0, give_up_after_s=1800.0)

    assert (schedule.first_wait_s, schedule.interval_s, schedule.deadline_s) == (120.0, 15.0, 1920.0)
    assert schedule.retries == 121


def test_a_job_of_an_earlier_run_has_waited_already():
    assert poll_schedule(KLING, 50.0, time_scale=1.0, give_up_after_s=1800.0).first_wait_s == 70.0
    assert poll_schedule(KLING, 9999.0, time_scale=1.0, give_up_after_s=1800.0).first_wait_s == 0.0


def test_a_clock_that_was_set_back_does_not_prolong_the_wait():
    assert poll_schedule(KLING, -3600.0, time_scale=1.0, give_up_after_s=1800.0).first_wait_s == 120.0


def test_the_time_scale_stretches_everything_alike():
    one = poll_schedule(RUNWAY, 0.0, time_scale=1.0, give_up_after_s=1800.0)
    tenth = poll_schedule(RUNWAY, 0.0, time_scale=0.1, give_up_after_s=1800.0)

    assert (tenth.first_wait_s, tenth.interval_s, tenth.deadline_s) == pytest.approx(
        (one.first_wait_s / 10, one.interval_s / 10, one.deadline_s / 10)
    )
    assert tenth.retries == pytest.approx(one.retries, abs=1)


@given(models, st.floats(-1e6, 1e6), st.floats(1e-4, 10), st.floats(1e-3, 86_400))
def test_the_retries_always_last_until_the_deadline(model, age_s, time_scale, give_up_after_s):
    schedule = poll_schedule(model, age_s, time_scale=time_scale, give_up_after_s=give_up_after_s)

    assert 0 <= schedule.first_wait_s <= model.typical_render_s[0] * time_scale
    assert schedule.first_wait_s + schedule.retries * schedule.interval_s >= schedule.deadline_s


def test_turns_are_evenly_spaced():
    turns = Turns(4.0)

    assert [turns.take(100.0) for _ in range(4)] == [0.0, 0.25, 0.5, 0.75]


def test_time_that_nobody_used_is_not_saved_up():
    turns = Turns(4.0)
    turns.take(0.0)

    assert [turns.take(60.0) for _ in range(3)] == [0.0, 0.25, 0.5]


@given(st.lists(st.floats(0, 10), max_size=50), st.floats(0.1, 100))
def test_no_two_turns_are_closer_than_the_rate_allows(gaps, rate):
    turns, now, last = Turns(rate), 0.0, -math.inf
    for gap in gaps:
        now += gap
        at = now + turns.take(now)
        assert at >= now
        assert at - last >= 1 / rate - 1e-6
        last = at


def test_a_pause_holds_everybody_back_until_it_is_over():
    turns = Turns(10.0)
    turns.pause(100.0, 5.0)

    assert [turns.paused_for(now) for now in (100.0, 103.0, 105.0, 200.0)] == [5.0, 2.0, 0.0, 0.0]
    assert turns.take(101.0) == 4.0


def test_a_longer_pause_wins_and_a_shorter_one_changes_nothing():
    turns = Turns(10.0)
    turns.pause(100.0, 5.0)
    turns.pause(101.0, 1.0)
    assert turns.paused_for(101.0) == 4.0

    turns.pause(102.0, 9.0)
    assert turns.paused_for(102.0) == 9.0


def test_a_burst_of_refusals_halves_the_rate_once():
    turns = Turns(8.0)
    for _ in range(20):
        turns.pause(100.0, 2.0)
    assert turns.rate_per_s == 4.0

    turns.pause(103.0, 2.0)
    assert turns.rate_per_s == 2.0


def test_the_rate_never_falls_below_a_sixteenth():
    turns = Turns(16.0)
    for burst in range(20):
        turns.pause(burst * 100.0, 1.0)

    assert turns.rate_per_s == 1.0


def test_ten_undisturbed_turns_give_back_a_tenth_of_the_full_rate():
    turns = Turns(10.0)
    turns.pause(0.0, 1.0)
    rates = []
    for turn in range(70):
        turns.take(1000.0 * turn)
        rates.append(turns.rate_per_s)

    assert rates[8] == 5.0
    assert rates[9] == 6.0
    assert rates[-1] == 10.0


def test_a_new_pause_starts_the_count_of_undisturbed_turns_anew():
    turns = Turns(10.0)
    turns.pause(0.0, 1.0)
    for turn in range(9):
        turns.take(10.0 + turn)
    turns.pause(100.0, 1.0)
    turns.take(200.0)

    assert turns.rate_per_s == 2.5


def test_without_rows_the_settings_are_the_pace():
    assert pace_for([], submit_rate_per_s=10, max_in_flight=1000, events_per_s=150, time_scale=1) == Pace(10, 1000)


def test_the_event_budget_limits_submits_and_jobs_in_flight():
    pace = pace_for([KLING] * 5000, submit_rate_per_s=100, max_in_flight=20_000, events_per_s=150, time_scale=1)

    assert pace.submits_per_s == 12.5  # half of 150, 6 a job
    assert pace.in_flight == 562  # half of 150, 2 a poll, one poll in 15 s


def test_the_settings_win_where_they_are_lower():
    pace = pace_for([KLING], submit_rate_per_s=1, max_in_flight=7, events_per_s=10_000, time_scale=1)

    assert pace == Pace(1, 7)


@given(
    st.lists(models, min_size=1, max_size=20),
    st.floats(0.01, 1000),
    st.integers(1, 20_000),
    st.floats(0.01, 10_000),
    st.floats(1e-4, 10),
)
def test_the_pace_stays_within_the_settings_and_the_event_budget(some, rate, in_flight, events, time_scale):
    pace = pace_for(some, submit_rate_per_s=rate, max_in_flight=in_flight, events_per_s=events, time_scale=time_scale)

    assert 0 < pace.submits_per_s <= rate
    assert 1 <= pace.in_flight <= in_flight
    assert pace.submits_per_s * 6 <= events / 2 + 1e-9
    polls_per_s = sum(1 / (model.poll_interval_s * time_scale) for model in some) / len(some)
    assert pace.in_flight == 1 or pace.in_flight * polls_per_s * 2 <= events / 2 + 1e-6
