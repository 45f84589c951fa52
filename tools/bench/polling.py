"""B2: polls and lag of learned schedules, compared with the documented interval and the optimum."""

import math
import statistics
from itertools import accumulate, takewhile

import numpy as np

from dailies.catalogue import VideoModel, load_catalogue
from dailies.gateway.jobs.render_time import draw_render_us
from dailies.pacing.forecast import Forecast
from dailies.pacing.poll_schedule import most_lag_s, poll_schedule, widest_gap_s
from dailies.pacing.poll_times import procedure_for
from dailies.pacing.render_estimates import Floats, RenderTimes
from tools.bench.measure import Goal, Result, median, spread

_GIVE_UP_S = 86_400.0
_TRUTH_JOBS = 10_000
_FACTORS = (1.0, 1.5)


def times_of(model: VideoModel, seed: str, jobs: int, factor: float) -> list[float]:
    """Draw render times in seconds, as the sandbox does."""
    return [factor * draw_render_us(model, 0, f"{seed}/{number}", 1.0) / 1e6 for number in range(jobs)]


def watch(
    forecast: Forecast, model: VideoModel, times: list[float], rng: np.random.Generator, *, learn: bool
) -> tuple[float, float]:
    """Poll jobs one after the other; return mean polls and mean lag (s). With ``learn``, the forecast sees them."""
    polls, lags = 0, 0.0
    for number, done_s in enumerate(times):
        lag_s = most_lag_s(model, math.inf, is_slot_wanted=False)
        procedure = forecast.procedure(model, model.default_duration_s, lag_s, widest_gap_s(model))
        schedule = poll_schedule(procedure, 0.0, time_scale=1.0, give_up_after_s=_GIVE_UP_S, chance=rng.random())
        ages = accumulate(schedule.waits_s())
        early = list(takewhile(lambda age, done_s=done_s: age < done_s, ages))
        seen_s = list(accumulate([*_head(schedule.waits_s(), len(early) + 1)]))[-1]
        polls += len(early) + 1
        lags += seen_s - done_s
        if learn:
            forecast.saw_end(model, model.default_duration_s, str(number), early[-1] if early else 0.0, seen_s)
    return polls / len(times), lags / len(times)


def _head(waits, count):
    return [next(waits) for _ in range(count)]


def fixed(model: VideoModel, times: list[float]) -> tuple[float, float]:
    """Return mean polls and lag (s) of the documented interval."""
    every = model.poll_interval_s
    polls = [math.ceil(done / every) for done in times]
    return statistics.mean(polls), statistics.mean(n * every - done for n, done in zip(polls, times, strict=True))


def optimum(model: VideoModel, factor: float) -> tuple[float, float, float]:
    """Return polls, lag (s) and price of lag (polls/s) of the optimum, which knows the distribution of the seeds."""
    sample = np.array(times_of(model, "truth", _TRUTH_JOBS, factor))
    grid: Floats = np.concatenate([[0.0], np.geomspace(sample.min() * 0.99, sample.max() * 1.01, 600)])
    counts, _ = np.histogram(sample, grid)
    truth = RenderTimes(grid, np.concatenate([[0.0], counts / counts.sum()]))
    lag_s = most_lag_s(model, math.inf, is_slot_wanted=False)
    found = procedure_for(truth, lag_s, widest_gap_s(model))
    return found.polls, found.lag_s, found.lag_price


def run(*, quick: bool) -> Result:
    """Compare each model's prior and learned schedules, at the catalogue's speed and 1.5 times as slow."""
    jobs, repeats = (100, 2) if quick else (1000, 5)
    result = Result(
        "B2",
        "Polls and lag",
        f"A simulation with the sandbox's lognormal render times, unscaled: {jobs:,} jobs of each model, {repeats}"
        " seeds. Prior alone: the schedule knows only the catalogue. Learned: it also saw the same number of other jobs"
        " through its own polls. Cost = polls + price x lag; the price is that of the optimum, which knows the"
        " distribution.",
        [
            "model",
            "times",
            "interval: polls",
            "lag s",
            "prior: polls",
            "lag s",
            "learned: polls",
            "lag s",
            "cost / optimum",
        ],
        repeats=repeats,
    )
    totals: dict[tuple[str, float], list[float]] = {}
    worst_cost, worst_lag = {1.0: 0.0, 1.5: 0.0}, 0.0
    for model in load_catalogue().values():
        for factor in _FACTORS:
            best_polls, best_lag_s, price = optimum(model, factor)
            found: dict[str, list[tuple[float, float]]] = {"fixed": [], "prior": [], "learned": []}
            for seed in range(repeats):
                rng = np.random.default_rng(seed)
                times = times_of(model, f"judge{seed}", jobs, factor)
                found["fixed"].append(fixed(model, times))
                found["prior"].append(watch(Forecast(), model, times, rng, learn=False))
                forecast = Forecast()
                watch(forecast, model, times_of(model, f"school{seed}", jobs, factor), rng, learn=True)
                found["learned"].append(watch(forecast, model, times, rng, learn=False))
            for name, pairs in found.items():
                totals.setdefault((name, factor), []).append(median([polls for polls, _ in pairs]))
            best = best_polls + price * best_lag_s
            costs = [(polls + price * lag) / best for polls, lag in found["learned"]]
            worst_cost[factor] = max(worst_cost[factor], median(costs))
            ratios = [
                median([mine[1] / theirs[1] for mine, theirs in zip(found[name], found["fixed"], strict=True)])
                for name in (("prior", "learned") if factor == 1.0 else ("learned",))
            ]
            worst_lag = max(worst_lag, *ratios)
            cells = [spread([pair[part] for pair in found[name]]) for name in found for part in (0, 1)]
            result.rows.append([model.id, f"x {factor}", *cells, spread(costs)])
            if factor == 1.0:
                result.drawn[model.id] = [median([polls for polls, _ in found[n]]) for n in found] + [best_polls]
    _judge(result, totals, worst_cost, worst_lag)
    return result


def _judge(
    result: Result, totals: dict[tuple[str, float], list[float]], worst_cost: dict[float, float], worst_lag: float
) -> None:
    def share(name: str, factor: float) -> float:
        return 100 * sum(totals[name, factor]) / sum(totals["fixed", factor])

    result.goal("prior alone: polls over all models, % of the interval's", share("prior", 1.0), 45.0)
    result.goal("learned: the same", share("learned", 1.0), 45.0)
    result.goal("learned, times x 1.5: the same", share("learned", 1.5), 45.0)
    result.goal("mean lag of the worst model / the interval's (prior alone, learned, learned x 1.5)", worst_lag, 1.0)
    result.goal("learned: cost of the worst model / the optimum's", worst_cost[1.0], 1.1)
    result.goal("learned, times x 1.5: the same", worst_cost[1.5], 1.1)
    far = share("prior", 1.5)
    result.goals.append(Goal("(for comparison) prior alone, times x 1.5: polls, %", f"{far:.3g}", True))
