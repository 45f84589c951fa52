"""Live progress of a run and of a copy: a bar on a terminal; for a run, a line now and then elsewhere."""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from cli.screen.console import say
from dailies.run.progress import Progress as Counts
from dailies.wording import mxn

LINE_EVERY_S = 5.0
LINE_EVERY_ROWS = 100
_TICK_S = 0.25
_WIDE, _NARROW = 110, 80


class CopyDisplay:
    """Shows a bar of the copied videos on a terminal, and nothing elsewhere, until the block ends."""

    def __init__(self, console: Console, words: str = "videos") -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
        self._task = self._bar.add_task(words, total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, done: int, total: int) -> None:
        """Update the bar."""
        self._bar.update(self._task, completed=done, total=total)


class ProgressDisplay:
    """Shows the counts of one run, under the lines of the log.

    Args:
        console: nothing else may write to its stream meanwhile (see ``cli.screen.logs``).
        clock: seconds, monotonic.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._bar = _bar(console)
        self._task: TaskID | None = None
        self._said_at = clock()
        self._said_rows = 0
        self._said = ""

    async def watch(self, counts: Counts) -> None:
        """Show the counts until cancelled, and once more at the end."""
        try:
            while True:
                self.show(counts)
                await asyncio.sleep(_TICK_S)
        finally:
            self.show(counts, last=True)
            self.stop()

    def stop(self) -> None:
        """Leave the last state on the screen and restore the cursor."""
        if self._task is not None:
            self._bar.stop()

    def show(self, counts: Counts, *, last: bool = False) -> None:
        """Update the bar; without a terminal, print a line if one is due."""
        ended = counts.completed + counts.failed
        if not self._console.is_terminal:
            self._say(f"{ended}/{counts.total} · {_state(counts)}", ended, last=last)
            return
        if self._task is None:
            self._bar.start()
            self._task = self._bar.add_task("videos", total=counts.total, state="")
        state = _state(counts, brief=self._console.width < _NARROW)
        self._bar.update(self._task, completed=ended, total=counts.total, state=state)

    def _say(self, line: str, ended: int, *, last: bool) -> None:
        is_due = last or not self._said or self._clock() - self._said_at >= LINE_EVERY_S
        if is_due or ended // LINE_EVERY_ROWS > self._said_rows // LINE_EVERY_ROWS:
            self._said_at, self._said_rows = self._clock(), ended
            if line != self._said:
                self._said = line
                say(self._console, line)


def _state(counts: Counts, *, brief: bool = False) -> str:
    parts = [
        f"{0 if brief else counts.waiting + counts.in_doubt} waiting",
        f"{counts.rendering} rendering",
        f"{counts.completed} done",
        f"{counts.failed} failed",
        mxn(counts.charged_mxn),
        "" if brief else counts.pace(),
    ]
    return " · ".join(part for part in parts if part and (not part.startswith("0 ") or part.endswith("done")))


def _bar(console: Console) -> Progress:
    """Choose what fits on one line: a narrow terminal gets no bar, the narrowest only the figures."""
    figures = [MofNCompleteColumn(), TextColumn("{task.fields[state]}")]
    if console.width < _NARROW:
        return Progress(*figures, console=console)
    if console.width < _WIDE:
        return Progress(TextColumn("{task.description}"), *figures, TimeRemainingColumn(), console=console)
    bar = [TextColumn("{task.description}"), BarColumn(bar_width=24)]
    return Progress(*bar, *figures, TimeElapsedColumn(), TimeRemainingColumn(), console=console)
