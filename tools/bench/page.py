"""Writes docs/performance.md and its plots from the results."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dailies.catalogue import load_catalogue

_NAMES = {
    "dailies": "Dailies",
    "documented": "documentation's loop",
    "openai": "openai",
    "fal": "fal_client",
    "runway": "runwayml",
    "replicate": "replicate",
}


def machine() -> dict[str, Any]:
    """Describe the machine."""
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "load": round(os.getloadavg()[0], 1),
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    }


def write_page(path: Path, results: Mapping[str, dict[str, Any]], *, quick: bool) -> None:
    """Write the page and its plots."""
    images = path.parent / "images"
    images.mkdir(parents=True, exist_ok=True)
    plots = [_draw_polls(images, results), _draw_waiting(images, results)]
    ordered = [results[key] for key in sorted(results)]
    text = [*_head(quick=quick), *_overview(ordered), *filter(None, plots)]
    for result in ordered:
        text += _section(result)
    path.write_text("\n".join(text).rstrip() + "\n", "utf-8")


def _head(*, quick: bool) -> list[str]:
    command = "make bench QUICK=1" if quick else "make bench"
    return [
        "# Performance",
        "",
        f"`{command}` writes this page; do not edit it. Figures are medians; brackets contain the range of all",
        "repeats. All clients of a benchmark ran one after the other on the same machine, with the gateway or sandbox",
        "on the same cores. So compare figures with each other, not with figures of other machines. Each benchmark",
        "shows one-minute load averages; a load above the number of cores means that other programs ran, too.",
        "[Pacing](pacing.md) explains how Dailies chooses its polls.",
        "",
    ]


def _overview(results: list[dict[str, Any]]) -> list[str]:
    lines = ["| # | what | goal | reached | |", "|---|---|---|---:|---|"]
    for result in results:
        for goal in result["goals"]:
            mark = "for comparison" if goal["text"].startswith("(for") else "yes" if goal["is_met"] else "**missed**"
            lines.append(f"| {result['id']} | {goal['text']} | {goal['bound']} | {goal['reached']} | {mark} |")
    return [*lines, ""]


def _section(result: dict[str, Any]) -> list[str]:
    where = result["machine"]
    lines = [f"## {result['id']}: {result['title']}", "", result["how"], ""]
    lines += ["| " + " | ".join(result["header"]) + " |", "|---" + "|---:" * (len(result["header"]) - 1) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in result["rows"]]
    lines += ["", f"{result['repeats']} repeats, {where['at']}; {where['cores']} cores, {where['system']},"]
    lines += [f"Python {where['python']}, load {where['load']} before and {result['load_after']} after.", ""]
    if result["note"]:
        lines += [result["note"], ""]
    return lines


def _draw_polls(images: Path, results: Mapping[str, dict[str, Any]]) -> str:
    drawn = results.get("B2", {}).get("drawn")
    if not drawn:
        return ""
    plt = _pyplot()
    figure, axes = plt.subplots(figsize=(8, 3.6))
    names = ["documented interval", "catalogue alone", "learned", "optimum that knows"]
    for bar, name in enumerate(names):
        places = [place + 0.2 * bar for place in range(len(drawn))]
        axes.bar(places, [values[bar] for values in drawn.values()], 0.18, label=name)
    axes.set_xticks([place + 0.3 for place in range(len(drawn))], [m.replace("/", "/\n") for m in drawn], fontsize=8)
    axes.set_ylabel("polls for one job")
    axes.legend(frameon=False, fontsize=8)
    _save(figure, images / "polls.svg")
    return "![Polls for one job, by model and schedule](images/polls.svg)\n"


def _draw_waiting(images: Path, results: Mapping[str, dict[str, Any]]) -> str:
    drawn = results.get("B5", {}).get("drawn")
    if not drawn:
        return ""
    plt = _pyplot()
    figure, axes = plt.subplots(figsize=(6, 4))
    for name, (polls, lag_s) in drawn.items():
        axes.scatter(polls, lag_s, s=60 if name == "dailies" else 30, zorder=3)
        axes.annotate(_NAMES[name], (polls, lag_s), xytext=(6, 4), textcoords="offset points", fontsize=9)
    axes.set(xscale="log", yscale="log", xlabel="polls for one job", ylabel="mean lag, s")
    axes.grid(visible=True, which="both", alpha=0.25)
    _save(figure, images / "waiting.svg")
    return "![Polls and lag of the waiting loops; the nearer to the lower left the better](images/waiting.svg)\n"


def draw_pacing(path: Path) -> None:
    """Draw the figure of docs/pacing.md: a model's distribution, the optimum's polls, those of the fixed interval."""
    import numpy as np

    from dailies.pacing.forecast import Forecast
    from dailies.pacing.poll_schedule import most_lag_s, widest_gap_s

    model = load_catalogue()["fal/kling-2"]
    forecast = Forecast()
    times = forecast.times(model, 5)
    checks = forecast.procedure(model, 5, most_lag_s(model, np.inf, is_slot_wanted=False), widest_gap_s(model)).checks_s
    plt = _pyplot()
    figure, axes = plt.subplots(figsize=(8, 3))
    width = np.diff(times.times_s, prepend=0.0)
    axes.fill_between(times.times_s[1:], times.mass[1:] / width[1:], color="tab:blue", alpha=0.25, lw=0)
    top = float((times.mass[1:] / width[1:]).max())
    every = np.arange(model.poll_interval_s, 480, model.poll_interval_s)
    axes.vlines(every, -0.16 * top, -0.04 * top, color="tab:orange", label="documented: every 15 s")
    axes.vlines(checks, -0.34 * top, -0.22 * top, color="tab:blue", label="Dailies")
    axes.set(xlim=(0, 480), xlabel="seconds after the submit", yticks=[], title="")
    axes.legend(frameon=False, fontsize=8, loc="upper right")
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    _save(figure, path)


def _pyplot() -> Any:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "dailies", "svg.fonttype": "path"})
    import matplotlib.pyplot as plt

    return plt


def _save(figure: Any, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    # Trailing spaces would only disturb version control.
    path.write_text("\n".join(line.rstrip() for line in path.read_text("utf-8").splitlines()) + "\n", "utf-8")
