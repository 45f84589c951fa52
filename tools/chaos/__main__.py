"""``make chaos N=1000``: many scenarios, one line for each, and a table at the end.

Every line begins with the name of its plan; ``make chaos SEED=17-direct`` plays that one again.
"""

import argparse
import contextlib
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.workplace import running_prefect
from tools.chaos.scenario import Report, make_scenario, play

_console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    """Play the scenarios of the command line; return 1 if one of them broke a promise."""
    asked = _arguments()
    names = asked.seed or list(_names(asked.n, asked.first, asked.prefect_share))
    base = Path(tempfile.mkdtemp(prefix="chaos-"))
    began = time.monotonic()
    with _prefect(base, names) as url, ThreadPoolExecutor(asked.jobs) as pool:
        plays = {pool.submit(_play, name, base, url): name for name in names}
        reports = [_told(played.result()) for played in as_completed(plays)]
    _show(reports, time.monotonic() - began)
    broken = [report for report in reports if report.breaches]
    if broken:
        _console.print(f"Kept for a look: {', '.join(str(base / report.scenario.name) for report in broken)}")
    else:
        shutil.rmtree(base, ignore_errors=True)
    return 1 if broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("make chaos", description=__doc__)
    parser.add_argument("n", nargs="?", type=int, default=100, help="how many (%(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first plan (%(default)s)")
    parser.add_argument("--prefect-share", type=float, default=0.25, help="share through the whole of Prefect")
    parser.add_argument("--jobs", type=int, default=2, help="how many at the same time (%(default)s)")
    parser.add_argument("--seed", action="append", help="only this plan, such as 17-direct; may be repeated")
    return parser.parse_args()


def _names(count: int, first: int, prefect_share: float) -> Iterator[str]:
    """Name scenarios by number; those with Prefect are spread evenly."""
    for number in range(count):
        through_prefect = int((number + 1) * prefect_share) > int(number * prefect_share)
        yield f"{first + number}-{'prefect' if through_prefect else 'direct'}"


@contextlib.contextmanager
def _prefect(base: Path, names: Sequence[str]) -> Iterator[str]:
    if not any(name.endswith("-prefect") for name in names):
        yield ""
        return
    home = base / "prefect-server"
    home.mkdir()
    with running_prefect(home) as url:
        yield url


def _play(name: str, base: Path, prefect_api_url: str) -> Report:
    scenario = make_scenario(name)
    report = play(scenario, base / name, prefect_api_url if scenario.prefect else "")
    if not report.breaches:
        shutil.rmtree(base / name, ignore_errors=True)
    return report


def _told(report: Report) -> Report:
    _console.print(str(report), style="bold red" if report.breaches else None, markup=False)
    return report


def _show(reports: list[Report], seconds: float) -> None:
    table = Table("killed", "direct", "Prefect", title="Kills that landed", title_justify="left")
    landed = Counter((kill.window, report.scenario.prefect) for report in reports for kill in report.landed)
    for window in sorted({window for window, _ in landed}):
        table.add_row(window, str(landed[window, False]), str(landed[window, True]))
    table.add_section()
    table.add_row("all", *(str(sum(n for (_, path), n in landed.items() if path is p)) for p in (False, True)))
    _console.print(table)
    through = sum(report.scenario.prefect for report in reports)
    _console.print(
        f"{len(reports)} scenarios ({through} through Prefect, {len(reports) - through} direct),"
        f" {sum(report.lives for report in reports)} lives, {sum(report.jobs for report in reports)} jobs,"
        f" {sum(report.completed for report in reports)} videos, {sum(report.charged_mxn for report in reports)} MXN,"
        f" {seconds:.0f} s; {sum(bool(report.breaches) for report in reports)} broke a promise."
    )


if __name__ == "__main__":
    sys.exit(main())
