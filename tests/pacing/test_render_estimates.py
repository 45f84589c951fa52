"""Rendering: distributions of render times, learned from polls that only ever tell "not yet" and "done"."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.catalogue import VideoModel, load_catalogue
from dailies.pacing.render_estimates import Sighting, estimate

CATALOGUE = load_catalogue()
KLING = CATALOGUE["fal/kling-2"]  # 120 to 300 s
models = st.sampled_from(list(CATALOGUE.values()))


def polled(times_s: np.ndarray, every_s: float = 15.0) -> list[Sighting]:
    """What polls at a fixed interval show of jobs that took so long."""
    return [Sighting(every_s * math.floor(t / every_s), every_s * (math.floor(t / every_s) + 1)) for t in times_s]


def renders(model: VideoModel = KLING, count: int = 400, factor: float = 1.0, seed: int = 0) -> np.ndarray:
    low, high = np.log(model.typical_render_s)
    return factor * np.random.default_rng(seed).lognormal((low + high) / 2, (high - low) / 3.29, count)


@pytest.mark.parametrize("model", CATALOGUE.values(), ids=lambda model: model.id)
def test_before_anything_was_seen_the_typical_range_holds_most_jobs(model):
    times = estimate(model)

    low_s, high_s = model.typical_render_s
    assert times.done_by(low_s) == pytest.approx(0.05, abs=0.03)
    assert times.done_by(high_s) == pytest.approx(0.95, abs=0.03)


@given(models, st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 1e5), st.floats(0.01, 10)), max_size=30))
def test_whatever_was_seen_it_stays_a_distribution(model, seen):
    sightings = [Sighting(min(a, b), max(a, b), weight) for a, b, weight in seen]
    times = estimate(model, [*sightings, Sighting(50.0)])

    assert times.mass.sum() == pytest.approx(1)
    assert times.mass.min() >= 0
    assert np.all(np.diff(times.times_s) > 0)


@pytest.mark.parametrize("factor", [0.6, 1.0, 1.5, 2.5])
def test_another_speed_is_learned_from_intervals(factor):
    seen = renders(factor=factor)

    times = estimate(KLING, polled(seen))

    assert times.mean_s == pytest.approx(seen.mean(), rel=0.04)
    assert times.quantile_s(0.9) == pytest.approx(np.quantile(seen, 0.9), rel=0.06)


def test_a_few_jobs_are_enough_to_notice_that_all_is_slower():
    assert estimate(KLING, polled(renders(count=8, factor=1.5))).mean_s > 1.3 * estimate(KLING).mean_s


def test_open_jobs_say_that_it_takes_longer():
    early = polled(renders(count=10))
    slow = [Sighting(400.0)] * 30

    assert estimate(KLING, [*early, *slow]).mean_s > 1.5 * estimate(KLING, early).mean_s


def test_looking_only_at_what_is_done_would_make_it_too_short():
    """Sixty seconds into the run only the quickest have ended; the open ones correct the picture."""
    times = renders(factor=1.5)
    after_s = 200.0
    done = polled(times[times <= after_s])
    still_open = [Sighting(195.0)] * int((times > after_s).sum())

    assert estimate(KLING, done).mean_s < 0.75 * times.mean()
    assert estimate(KLING, done + still_open).mean_s == pytest.approx(times.mean(), rel=0.15)


def test_one_stuck_job_does_not_bend_the_whole():
    seen = polled(renders(count=40))

    bent = estimate(KLING, [*seen, Sighting(1800.0)])

    assert bent.quantile_s(0.9) == pytest.approx(estimate(KLING, seen).quantile_s(0.9), rel=0.1)


def test_a_shape_that_no_lognormal_has_is_learned_in_the_end():
    """Half of the jobs wait in a queue for three minutes."""
    seen = np.concatenate([renders(count=3000), renders(count=3000, seed=1) + 400])

    times = estimate(KLING, polled(seen))

    assert times.done_by(350) - times.done_by(450) == pytest.approx(0.0, abs=0.12)
    assert times.done_by(400) == pytest.approx(0.5, abs=0.05)


def test_a_weight_of_a_half_counts_half():
    seen = polled(renders(count=40, factor=1.5))
    light = estimate(KLING, [sighting._replace(weight=0.05) for sighting in seen])

    assert estimate(KLING).mean_s < light.mean_s < estimate(KLING, seen).mean_s


def test_the_finest_interval_and_the_widest_are_both_possible():
    assert estimate(KLING, [Sighting(200.0, 200.0)]).mean_s > 0
    assert estimate(KLING, [Sighting(0.0, 1e9)]).mean_s == pytest.approx(estimate(KLING).mean_s, rel=0.01)
