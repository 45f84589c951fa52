"""Pacing: when to poll a job, and how much the settings and budgets allow together."""

import math
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.catalogue import VideoModel, load_catalogue
from dailies.pacing.forecast import Forecast
from dailies.pacing.pace import EVENTS_PER_POLL, EVENTS_PER_SUBMIT, Pace, pace_for
from dailies.pacing.poll_schedule import MAX_DELAYS, PollSchedule, most_lag_s, poll_schedule, widest_gap_s
from dailies.pacing.poll_times import Procedure

CATALOGUE = load_catalogue()
KLING = CATALOGUE["fal/kling-2"]  # 2-5 min, poll every 15 s
RUNWAY = CATALOGUE["fal/runway-gen-4"]  # 30 s-2 min, poll every 10 s
FORECAST = Forecast()
models = st.sampled_from(list(CATALOGUE.values()))


def procedure(model: VideoModel = KLING, lag_s: float | None = None) -> Procedure:
    wanted = lag_s or most_lag_s(model, math.inf, is_slot_wanted=False)
    return FORECAST.procedure(model, model.default_duration_s, wanted, widest_gap_s(model))


def schedule(
    model: VideoModel = KLING,
    age_s: float = 0.0,
    *,
    scale: float = 1.0,
    chance: float = 0.5,
    lag_s: float | None = None,
) -> PollSchedule:
    return poll_schedule(procedure(model, lag_s), age_s, time_scale=scale, give_up_after_s=1800.0, chance=chance)


def polls_s(schedule: PollSchedule, count: int) -> list[float]:
    """Seconds from now at which polls happen."""
    times, now = [], 0.0
    for wait_s in islice(schedule.waits_s(), count):
        now += wait_s
        times.append(now)
    return times


def test_a_new_job_is_first_looked_at_when_it_may_well_be_done():
    first = schedule(KLING).first_wait_s

    assert 90 < first < 180
    assert 0.02 < FORECAST.times(KLING, 5).done_by(first) < 0.3


def test_polls_are_dense_where_jobs_get_done_and_sparse_for_stragglers():
    delays = schedule(KLING).delays_s

    assert min(delays) < KLING.poll_interval_s
    assert delays[-1] == widest_gap_s(KLING) == 2 * KLING.poll_interval_s


def test_a_job_of_an_earlier_run_has_waited_already():
    assert schedule(KLING, 50.0).first_wait_s == pytest.approx(schedule(KLING).first_wait_s - 50.0, abs=3)
    assert schedule(KLING, 9999.0).first_wait_s == 0.0
    assert schedule(KLING, 300.0).first_wait_s < 1.0


def test_a_clock_that_was_set_back_does_not_prolong_the_wait():
    assert schedule(KLING, -3600.0) == schedule(KLING)


def test_the_time_scale_stretches_everything_alike():
    one, tenth = schedule(RUNWAY), schedule(RUNWAY, scale=0.1)

    assert tenth.first_wait_s == pytest.approx(one.first_wait_s / 10)
    assert tenth.delays_s == pytest.approx([delay / 10 for delay in one.delays_s])
    assert (tenth.retries, tenth.deadline_s) == (one.retries, pytest.approx(one.deadline_s / 10))


def test_jobs_that_were_submitted_together_are_not_polled_together():
    early, late = schedule(chance=0.0), schedule(chance=1.0)

    assert 1 < late.first_wait_s - early.first_wait_s < KLING.poll_interval_s
    assert all(after > before for after, before in zip(polls_s(late, 10), polls_s(early, 10), strict=True))


@given(
    models,
    st.floats(-1e6, 1e6),
    st.floats(1e-4, 10),
    st.floats(1e-3, 86_400),
    st.floats(0, 1),
    st.sampled_from([None, 0.5, 2.0]),
)
def test_a_schedule_fits_prefect_and_lasts_until_the_deadline(model, age_s, scale, give_up_s, chance, lag_s):
    found = poll_schedule(procedure(model, lag_s), age_s, time_scale=scale, give_up_after_s=give_up_s, chance=chance)

    assert 1 <= len(found.delays_s) <= MAX_DELAYS
    assert found.first_wait_s >= 0
    assert all(0 < delay <= widest_gap_s(model) * scale * 1.5 for delay in found.delays_s)
    assert polls_s(found, found.retries + 1)[-1] >= found.deadline_s * (1 - 1e-9)


def test_lag_weighs_more_while_rows_wait_for_a_slot():
    usual, wanted = (most_lag_s(KLING, 190.0, is_slot_wanted=wanted) for wanted in (False, True))

    assert usual <= KLING.poll_interval_s / 2
    assert wanted == pytest.approx(1.9)
    assert procedure(KLING, wanted).polls > procedure(KLING, usual).polls


def pace(rows: int = 100, model: VideoModel = KLING, **changes: float) -> Pace:
    settings = {"submit_rate_per_s": 10.0, "max_in_flight": 1000, **changes}
    return pace_for([(model, 5)] * rows, FORECAST, **settings)


def test_without_rows_the_settings_are_the_pace():
    assert pace(0) == Pace(10.0, 1000)


def test_without_budgets_the_settings_are_the_pace():
    found = pace(submit_rate_per_s=1.0, max_in_flight=7)

    assert (found.submits_per_s, found.in_flight, found.max_polls) == (1.0, 7, math.inf)


def test_few_slots_are_the_bottleneck_and_many_are_not():
    assert pace(max_in_flight=100).is_slot_bound
    assert not pace(max_in_flight=5000).is_slot_bound


@pytest.mark.parametrize("rate", [5.0, 10.0, 100.0])
def test_the_events_of_submits_and_polls_stay_within_what_the_server_takes_in(rate):
    found = pace(submit_rate_per_s=rate, max_in_flight=20_000, events_per_s=150.0)

    events = EVENTS_PER_SUBMIT + EVENTS_PER_POLL * (found.max_polls - 1)
    assert found.submits_per_s * events == pytest.approx(150.0)


def test_where_a_budget_binds_jobs_are_polled_less_often_before_they_are_submitted_more_slowly():
    found = pace(submit_rate_per_s=12.0, max_in_flight=20_000, events_per_s=150.0)

    assert found.submits_per_s == 12.0
    assert 2 <= found.max_polls < procedure(KLING).polls


def test_the_account_s_rate_pays_for_submits_and_polls():
    found = pace(requests_per_s=20.0, max_in_flight=20_000)

    assert found.submits_per_s * (1 + found.max_polls) == pytest.approx(20.0)


def test_the_speed_of_a_sandbox_does_not_strangle_a_run():
    fast = pace_for([(KLING, 5)], Forecast(1 / 200), submit_rate_per_s=10.0, max_in_flight=1000, events_per_s=150.0)

    assert fast.in_flight == 1000
    assert fast.submits_per_s > 5


@given(models, st.floats(0.01, 1000), st.integers(1, 20_000), st.floats(1, 10_000), st.floats(1, 10_000))
def test_the_pace_stays_within_every_budget(model, rate, in_flight, requests, events):
    found = pace_for(
        [(model, 5)] * 3,
        FORECAST,
        submit_rate_per_s=rate,
        max_in_flight=in_flight,
        requests_per_s=requests,
        events_per_s=events,
    )

    assert 0 < found.submits_per_s <= rate
    assert found.in_flight == in_flight
    assert found.submits_per_s * EVENTS_PER_SUBMIT <= events
    assert found.submits_per_s <= requests
    assert found.max_polls >= 2
