"""What the command shows: the plan, the progress, the closing lines."""

import asyncio
import time
from collections.abc import Iterator
from decimal import Decimal

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
from rich.table import Table

from dailies.ledger import LedgerEntry
from dailies.plan import Plan
from dailies.pricing import ZERO
from dailies.production import Production
from dailies.report.outcome import Outcome
from dailies.report.summary import cost_by_model, failures

_LINE_EVERY_S = 5.0
_LINE_EVERY_ROWS = 100


def mxn(amount: Decimal | None) -> str:
    """An amount for people: two places, thousands apart."""
    return "?" if amount is None else f"{amount:,.2f} MXN"


def show_plan(console: Console, plan: Plan) -> None:
    """What a run would do now, and what it may cost."""
    prompts = plan.prompts
    total = len(prompts.rows) + len(prompts.rejected)
    if plan.todo:
        table = Table(title=f"Plan for {prompts.source}: {total} rows", title_justify="left")
        for name in ("model", "videos", "seconds", "at most MXN"):
            table.add_column(name, justify="left" if name == "model" else "right")
        for model, entries in sorted(_by_model(plan).items()):
            seconds = sum(entry.duration_s or 0 for entry in entries)
            worst = sum((entry.worst_mxn or ZERO for entry in entries), ZERO)
            table.add_row(model, str(len(entries)), str(seconds), f"{worst:,.2f}")
        table.add_section()
        seconds = sum(row.entry.duration_s or 0 for row in plan.todo)
        table.add_row("all", str(len(plan.todo)), str(seconds), f"{plan.worst_mxn:,.2f}")
        console.print(table)
    for line in _beside(plan):
        console.print(line, highlight=False)


def _by_model(plan: Plan) -> dict[str, list[LedgerEntry]]:
    groups: dict[str, list[LedgerEntry]] = {}
    for row in plan.todo:
        groups.setdefault(row.entry.model or "?", []).append(row.entry)
    return groups


def _beside(plan: Plan) -> Iterator[str]:
    bought = plan.bought
    if not plan.todo and not plan.left:
        yield f"{plan.prompts.source}: nothing to do."
    if bought:
        spent = sum((entry.charged_mxn or ZERO for entry in bought), ZERO)
        yield f"Already bought: {len(bought)} videos for {mxn(spent)}; they are not bought again."
    if failed := len(plan.finished) - len(bought):
        yield f"Failed for good: {failed} rows; --retry-failed tries them again."
    if plan.resumed:
        yield f"Going on with {plan.resumed} rows that an earlier run has submitted."
    if plan.elsewhere:
        yield f"Left to another run that works on them: {len(plan.elsewhere)} rows."
    if plan.held:
        yield f"In doubt and left to you: {len(plan.held)} rows."
    if plan.left:
        yield f"Beyond the cap: {len(plan.left)} rows stay planned."
    if plan.prompts.rejected:
        yield f"Rejected: {len(plan.prompts.rejected)} rows that cannot be read."
    if plan.charged_month_mxn or plan.open_mxn:
        yield f"This month so far: {mxn(plan.charged_month_mxn)}; still possible beside this run: {mxn(plan.open_mxn)}."


class ProgressDisplay:
    """Live progress of a run: one bar on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=False,
        )
        self._task: TaskID | None = None
        self._said = (0.0, -1)

    async def watch(self, production: Production) -> None:
        """Show how a run is doing until cancelled, and once more at the end."""
        if self._console.is_terminal:
            self._bar.start()
            self._task = self._bar.add_task("videos", total=production.progress.total, state="")
        try:
            while True:
                self._show(production)
                await asyncio.sleep(0.25)
        finally:
            self._show(production, last=True)
            self._bar.stop()

    def _show(self, production: Production, *, last: bool = False) -> None:
        progress = production.progress
        ended = progress.completed + progress.failed
        state = (
            f"{progress.submitted} submitted · {progress.rendering} rendering · {progress.completed} done ·"
            f" {progress.failed} failed · {mxn(progress.charged_mxn)}"
        )
        if self._task is not None:
            self._bar.update(self._task, completed=ended, state=state)
            return
        at, rows = self._said
        is_due = time.monotonic() - at >= _LINE_EVERY_S or ended // _LINE_EVERY_ROWS > rows // _LINE_EVERY_ROWS
        if (is_due or last) and (ended != rows or not last):
            self._said = (time.monotonic(), ended)
            self._console.print(f"{ended}/{progress.total} · {state}", highlight=False, soft_wrap=True)


def show_outcome(console: Console, outcome: Outcome, results: str) -> None:
    """How the file stands now: cost by model, what is missing and why, where the results are."""
    if costs := cost_by_model(outcome.entries()):
        table = Table(*costs[0], title="Bought", title_justify="left")
        for row in costs:
            table.add_row(*(str(cell) for cell in row.values()))
        console.print(table)
    failed = failures(outcome)
    for row in failed[:10]:
        console.print(f"line {row['line']}: {row['reason']}", style="red", highlight=False)
    if len(failed) > 10:
        console.print(f"... and {len(failed) - 10} more, in the results", style="red", highlight=False)
    counts = " · ".join(f"{count} {status}" for status, count in sorted(outcome.statuses.items()))
    console.print(f"{counts} · {mxn(outcome.charged_mxn)}", highlight=False)
    console.print(f"Results: {results}", highlight=False, soft_wrap=True)
