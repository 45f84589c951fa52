"""B4, B5, B6: waiting loops on the same seeded jobs: CPU, polls, lag, memory, and the effect of lost responses."""

from typing import Any

from tools.bench.measure import Goal, Result, Timed, median, reset, running_gateway, spread, stats, timed

_SCALE, _QUICK_SCALE = 1 / 30, 1 / 200
PEERS = {
    "dailies": "Dailies, without Prefect",
    "documented": "GeekHub's documentation: a loop on asyncio + httpx",
    "openai": "`openai` videos `create_and_poll`",
    "fal": "`fal_client` `subscribe`",
    "runway": "`runwayml` `wait_for_task_output`",
    "replicate": "`replicate` `async_wait`",
}


def _measure(
    base: str, name: str, jobs: int, in_flight: int, scale: float, **plan: Any
) -> tuple[Timed, dict[str, Any]]:
    reset(base, scale=scale, **plan)
    took = timed("-m", "tools.bench.children.clients", name, base, str(jobs), str(in_flight), str(scale))
    return took, stats(base)


def run_cpu(*, quick: bool) -> Result:
    """B4: the cost of the library, compared with a bare loop."""
    jobs, in_flight, repeats = (50, 50, 1) if quick else (1000, 500, 3)
    scale = _QUICK_SCALE if quick else _SCALE
    result = Result(
        "B4",
        "CPU of the library path",
        f"{jobs:,} jobs of kling-2, {1 / scale:.0f} times faster than real time, {in_flight} in flight, on the bench"
        " gateway. CPU of the whole process, including imports, plan, claim, journal, ledger and results. At equal"
        " polls: Dailies polls at the documented interval, too.",
        ["client", "polls/job", "CPU s", "CPU ms/poll", "wall s", "RSS MB"],
        repeats=repeats,
    )
    found: dict[str, list[tuple[Timed, dict[str, Any]]]] = {}
    with running_gateway() as base:
        for seed in range(repeats):
            for name in ("documented", "dailies-fixed", "dailies"):
                found.setdefault(name, []).append(_measure(base, name, jobs, in_flight, scale, seed=seed))
    labels = {**PEERS, "dailies-fixed": "Dailies at the documented interval", "dailies": "Dailies, learned schedules"}
    for name, runs in found.items():
        assert all(totals["seen"] == jobs for _, totals in runs), f"{name} has left jobs behind"
        result.rows.append(
            [
                labels[name],
                spread([totals["polls"] / jobs for _, totals in runs]),
                spread([took.cpu_s for took, _ in runs]),
                spread([1000 * took.cpu_s / totals["polls"] for took, totals in runs]),
                spread([took.wall_s for took, _ in runs]),
                spread([took.rss_mb for took, _ in runs]),
            ]
        )
    for name in ("dailies-fixed", "dailies"):
        pairs = zip(found[name], found["documented"], strict=True)
        ratio = median([mine[0].cpu_s / theirs[0].cpu_s for mine, theirs in pairs])
        if name == "dailies-fixed":
            result.goal("at equal polls: CPU / the documentation's loop", ratio, 1.5)
        else:
            result.goals.append(Goal("(for comparison) learned schedules: the same", f"{ratio:.3g}", is_met=True))
    return result


def run_peers(*, quick: bool) -> Result:
    """B5: the waiting loops of the official clients, with their defaults."""
    jobs, in_flight, repeats = (50, 50, 1) if quick else (1000, 500, 3)
    scale = _QUICK_SCALE if quick else _SCALE
    result = Result(
        "B5",
        "Waiting loops",
        f"The jobs of B4 ({jobs:,}, {in_flight} in flight). Each client uses its own protocol and its own default"
        " interval, unscaled (openai 1 s, fal 0.1 s, runway 6 s, replicate 0.5 s), while renders are"
        f" {1 / scale:.0f} times faster. So compare polls x lag, which a fixed interval cannot change. The gateway"
        " measures the lag.",
        ["client", "makespan s", "polls/job", "lag mean s", "lag max s", "polls x lag", "CPU s", "RSS MB"],
        repeats=repeats,
    )
    products: dict[str, float] = {}
    with running_gateway() as base:
        found: dict[str, list[tuple[Timed, dict[str, Any]]]] = {}
        for seed in range(repeats):
            for name in PEERS:
                found.setdefault(name, []).append(_measure(base, name, jobs, in_flight, scale, seed=seed))
    for name, runs in found.items():
        totals = [each for _, each in runs]
        product = [each["polls"] / jobs * each["lag_mean_s"] for each in totals]
        products[name] = median(product)
        result.rows.append(
            [
                PEERS[name],
                *(spread([each[key] for each in totals]) for key in ("makespan_s",)),
                spread([each["polls"] / jobs for each in totals]),
                spread([each["lag_mean_s"] for each in totals]),
                spread([each["lag_max_s"] for each in totals]),
                spread(product),
                spread([took.cpu_s for took, _ in runs]),
                spread([took.rss_mb for took, _ in runs]),
            ]
        )
        result.drawn[name] = [
            median([each["polls"] / jobs for each in totals]),
            median([t["lag_mean_s"] for t in totals]),
        ]
    best = min(product for name, product in products.items() if name != "dailies")
    result.goal(
        "polls x lag / the best of the others",
        products["dailies"] / best,
        1.0,
        why="With so many jobs in flight, the clients themselves can be the bottleneck. If a loop has far fewer polls"
        " for each job than its interval allows, the cores decided its lag, not its schedule.",
    )
    return result


def run_losses(*, quick: bool) -> Result:
    """B6: every fifth response is lost; at most five POSTs per second."""
    jobs, repeats = (10, 1) if quick else (60, 3)
    scale = _QUICK_SCALE if quick else _SCALE
    result = Result(
        "B6",
        "Lost answers and refusals",
        f"{jobs} jobs at once. The gateway carries out every fifth POST but loses its response; above 5 POSTs/s it"
        " returns 429 with Retry-After: 1. It supports Idempotency-Key in every protocol. A second job of a row would"
        " be bought twice if a client polled it.",
        ["client", "videos collected", "jobs made twice", "429 refusals", "wall s"],
        repeats=repeats,
    )
    with running_gateway() as base:
        for name, label in PEERS.items():
            runs = [
                _measure(base, name, jobs, jobs, scale, seed=seed, lose_every=5, posts_per_s=5.0)
                for seed in range(repeats)
            ]
            totals = [each for _, each in runs]
            twice = [each["jobs"] - each["prompts"] for each in totals]
            result.rows.append(
                [
                    label,
                    spread([each["prompts_seen"] for each in totals]),
                    spread(twice),
                    spread([each["refused"] for each in totals]),
                    spread([took.wall_s for took, _ in runs]),
                ]
            )
            if name == "dailies":
                result.goal(
                    "collected", min(each["prompts_seen"] for each in totals), jobs, at_least=True, is_count=True
                )
                result.goal("jobs made twice", max(twice), 0, is_count=True)
    return result
