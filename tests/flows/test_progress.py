"""Progress: one whole line now and then in a file, one bar with the log above it on a terminal."""

import asyncio
import contextlib
import io
import logging
import sys
from collections.abc import Iterator
from decimal import Decimal

import pytest
from prefect.logging.handlers import PrefectConsoleHandler
from rich.console import Console

from cli.prefect_http import until_lost
from cli.screen.logs import logs_above
from cli.screen.progress import LINE_EVERY_S, ProgressDisplay
from dailies.ledger.entry import EntryStatus
from dailies.run.progress import Progress
from tests.factories import completed, make_entry


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def console(*, terminal: bool, width: int = 120) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=width, highlight=False)


def said(where: Console) -> list[str]:
    assert isinstance(where.file, io.StringIO)
    return where.file.getvalue().splitlines()


def counts(total: int) -> Progress:
    return Progress(total, Decimal(0))


def complete(progress: Progress, first: int, last: int) -> None:
    for number in range(first, last + 1):
        progress.see(completed(make_entry(f"shot {number}")))


def test_a_file_gets_a_line_at_the_start_and_every_few_seconds() -> None:
    clock, where, progress = Clock(), console(terminal=False), counts(60)
    display = ProgressDisplay(where, clock)
    for _ in range(5):
        display.show(progress)
    assert said(where) == ["0/60 · 60 waiting · 0 done · 0.00 MXN"]
    complete(progress, 1, 3)
    display.show(progress)
    assert len(said(where)) == 1
    clock.now += LINE_EVERY_S
    display.show(progress)
    assert said(where)[1:] == ["3/60 · 57 waiting · 3 done · 12.60 MXN"]


def test_a_file_gets_a_line_at_each_hundred_rows_and_at_the_end() -> None:
    where, progress = console(terminal=False), counts(250)
    display = ProgressDisplay(where, Clock())
    display.show(progress)
    for number in range(1, 251):
        complete(progress, number, number)
        display.show(progress)
    display.show(progress, last=True)
    assert [line.partition("/")[0] for line in said(where)] == ["0", "100", "200", "250"]


def test_a_file_gets_no_line_twice() -> None:
    clock, where, progress = Clock(), console(terminal=False), counts(2)
    display = ProgressDisplay(where, clock)
    display.show(progress)
    clock.now += 60
    display.show(progress)
    display.show(progress, last=True)
    assert len(said(where)) == 1


def test_a_line_names_what_waits_renders_and_failed() -> None:
    where, progress = console(terminal=False), counts(5)
    complete(progress, 1, 1)
    progress.see(make_entry("two", status=EntryStatus.PROCESSING))
    progress.see(make_entry("three", status=EntryStatus.FAILED))
    progress.see(make_entry("four", status=EntryStatus.IN_DOUBT))
    ProgressDisplay(where, Clock()).show(progress)
    assert said(where) == ["2/5 · 2 waiting · 1 rendering · 1 done · 1 failed · 4.20 MXN"]


@pytest.mark.parametrize("width", [60, 80, 100, 200])
async def test_the_bar_fits_on_one_line(width: int) -> None:
    where, progress = console(terminal=True, width=width), counts(10_000)
    for number in range(1_500):
        progress.see(make_entry(f"shot {number}", status=EntryStatus.PROCESSING))
    display = ProgressDisplay(where, Clock())
    display.show(progress)
    display.stop()
    bars = [line for line in said(where) if "rendering" in line]
    assert bars
    assert not [line for line in said(where) if "…" in line]


async def test_watching_shows_the_last_state_when_it_is_cancelled() -> None:
    where, progress = console(terminal=False), counts(1)
    watching = asyncio.create_task(ProgressDisplay(where, Clock()).watch(progress))
    await asyncio.sleep(0)
    complete(progress, 1, 1)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert said(where)[-1] == "1/1 · 1 done · 4.20 MXN"


@contextlib.contextmanager
def prefect_log() -> Iterator[logging.Logger]:
    log = logging.Logger("prefect.flow_runs.of_this_test")
    handler = PrefectConsoleHandler(stream=sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(handler)
    logging.root.manager.loggerDict[log.name] = log
    yield log
    del logging.root.manager.loggerDict[log.name]


def test_log_lines_stand_whole_above_the_bar(capsys: pytest.CaptureFixture[str]) -> None:
    where, progress = console(terminal=True, width=80), counts(3)
    display = ProgressDisplay(where, Clock())
    long = "a warning that is much longer than the terminal is wide " * 3
    with prefect_log() as log, logs_above(where):
        display.show(progress)
        log.warning(long)
        display.stop()
    assert [line for line in said(where) if line.endswith(long)]


def test_a_log_record_is_one_line_without_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with prefect_log() as log:
        with logs_above(console(terminal=False)):
            try:
                raise ValueError("odd")
            except ValueError:
                log.exception("Encountered exception\nover two lines")
            log.error("Finished in state Failed('...')")
        assert capsys.readouterr().err == "Encountered exception\n"
        log.error("Finished in state Failed('...')")
        assert "Finished" in capsys.readouterr().err


async def test_a_server_that_comes_back_is_waited_for() -> None:
    clock, messages = Clock(), list[str]()
    answers = iter([True, False, False, False, True, *[False] * 20])

    async def ask() -> bool:
        clock.now += 3
        return next(answers)

    await until_lost(ask, messages.append, patience_s=40, every_s=0, clock=clock)
    assert messages == [
        "The Prefect server does not answer; waiting for it, 40 s at most.",
        "The Prefect server answers again; the run continues.",
        "The Prefect server does not answer; waiting for it, 40 s at most.",
    ]
    assert clock.now >= 100 + 5 * 3 + 40
