"""Forecast: what a run has learned, from the ledger and from its own polls."""

import numpy as np
import pytest

from dailies.catalogue import VideoModel, load_catalogue
from dailies.pacing.forecast import Forecast, Past
from dailies.pacing.render_estimates import Sighting, estimate

KLING = load_catalogue()["fal/kling-2"]
RUNWAY = load_catalogue()["fal/runway-gen-4"]
USUAL_S = estimate(KLING).mean_s


def see(forecast: Forecast, seconds: float, jobs: int = 60, duration_s: int = 5, model: VideoModel = KLING) -> None:
    for number in range(jobs):
        forecast.saw_end(model, duration_s, f"{duration_s}/{number}", seconds - 10, seconds + 10)


def test_nothing_seen_is_the_catalogue():
    assert Forecast().mean_s(KLING, 5) == pytest.approx(USUAL_S)


def test_a_run_learns_from_its_own_polls():
    forecast = Forecast()
    see(forecast, 320.0)

    assert forecast.mean_s(KLING, 5) == pytest.approx(320.0, rel=0.05)
    assert forecast.mean_s(RUNWAY, 5) == pytest.approx(estimate(RUNWAY).mean_s)


def test_the_time_scale_is_taken_out_and_put_back():
    forecast = Forecast(0.01)
    for number in range(60):
        forecast.saw_end(KLING, 5, str(number), 3.1, 3.3)

    assert forecast.mean_s(KLING, 5) == pytest.approx(3.2, rel=0.05)
    assert forecast.times(KLING, 5).mean_s == pytest.approx(320.0, rel=0.05)


def test_a_duration_has_a_distribution_of_its_own_once_it_has_enough_jobs():
    forecast = Forecast()
    see(forecast, 150.0, duration_s=5)
    see(forecast, 290.0, duration_s=10, jobs=20)
    pooled_s = forecast.mean_s(KLING, 10)
    see(forecast, 290.0, duration_s=10, jobs=60)

    assert 150 < pooled_s < 230
    assert forecast.mean_s(KLING, 10) == pytest.approx(290.0, rel=0.06)
    assert forecast.mean_s(KLING, 5) == pytest.approx(150.0, rel=0.06)


def test_open_jobs_count_once_and_go_when_they_end():
    forecast = Forecast()
    for number in range(20):
        for age_s in (200.0, 300.0, 400.0):
            forecast.saw_early(KLING, 5, str(number), age_s)
    see(forecast, 180.0, jobs=4)

    assert forecast.mean_s(KLING, 5) > 1.5 * USUAL_S

    calm = Forecast()
    for number in range(20):
        calm.saw_early(KLING, 5, f"5/{number}", 150.0)
    see(calm, USUAL_S, jobs=20)
    assert calm.mean_s(KLING, 5) == pytest.approx(USUAL_S, rel=0.05)


def test_failed_jobs_do_not_make_it_shorter():
    forecast = Forecast()
    for number in range(50):
        forecast.saw_end(KLING, 5, str(number), 0.0)

    assert forecast.mean_s(KLING, 5) == pytest.approx(USUAL_S, rel=0.02)


def test_history_is_believed_until_today_says_otherwise():
    past = [Past(KLING, 5, Sighting(310.0, 330.0)) for _ in range(1000)]
    forecast = Forecast(past=past)
    yesterday_s = forecast.mean_s(KLING, 5)
    see(forecast, 160.0, jobs=120)

    assert yesterday_s == pytest.approx(320.0, rel=0.08)
    assert forecast.mean_s(KLING, 5) < 230


def test_the_procedure_follows_what_was_learned():
    forecast = Forecast()
    before = forecast.procedure(KLING, 5, 7.0, 30.0)
    see(forecast, 400.0, jobs=100)

    after = forecast.procedure(KLING, 5, 7.0, 30.0)

    assert after.checks_s[0] > 1.5 * before.checks_s[0]
    assert forecast.procedure(KLING, 5, 7.0, 30.0) is after


def test_a_distribution_is_not_fitted_anew_for_every_job(monkeypatch):
    fits = []
    monkeypatch.setattr(
        "dailies.pacing.forecast.estimate", lambda model, seen: fits.append(len(seen)) or estimate(model, seen)
    )
    forecast = Forecast()
    rng = np.random.default_rng(0)
    for number in range(1000):
        took_s = 190 * rng.lognormal(0, 0.2)
        forecast.saw_end(KLING, 5, str(number), took_s - 5, took_s + 5)
        forecast.mean_s(KLING, 5)

    assert len(fits) < 40
