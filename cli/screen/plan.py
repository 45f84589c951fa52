"""The plan: what a run would do now, and what it may cost."""

from collections.abc import Iterator

from rich.console import Console

from cli.screen.console import say, show_table
from dailies.planning.plan import Plan
from dailies.pricing import ZERO
from dailies.report.as_json import worst_by_model
from dailies.report.plan_breakdown import find_duplicates, price_cells, size_words
from dailies.wording import count, mxn

_SHOWN_CELLS = 40
_SHOWN_DUPLICATES = 5


def show_plan(console: Console, plan: Plan) -> None:
    """What a run would do now, and what it may cost."""
    prompts = plan.prompts
    if plan.todo:
        show_table(console, f"Plan for {prompts.source}: {size_words(prompts)}", _plan_rows(plan))
    for line in _beside(plan):
        say(console, line)
    duplicates = find_duplicates(prompts)
    for duplicate in duplicates[:_SHOWN_DUPLICATES]:
        say(console, str(duplicate), "yellow")
    if len(duplicates) > _SHOWN_DUPLICATES:
        say(console, f"... and {len(duplicates) - _SHOWN_DUPLICATES:,} more are asked for more than once.", "yellow")


def _plan_rows(plan: Plan) -> list[dict[str, object]]:
    """Each kind of video with its price; where there are too many kinds to look through, each model."""
    cells = price_cells(plan)
    seconds = sum(row.entry.duration_s or 0 for row in plan.todo)
    everything = {"videos": len(plan.todo), "seconds": seconds, "at most MXN": plan.worst_mxn}
    rows: list[dict[str, object]]
    if len(cells) <= _SHOWN_CELLS:
        rows = [
            {
                "model": cell.model,
                "ratio": cell.aspect_ratio,
                "each": f"{cell.duration_s} s · {cell.each_mxn:,.2f} MXN",
                "videos": cell.videos,
                "seconds": cell.videos * cell.duration_s,
                "at most MXN": cell.worst_mxn,
            }
            for cell in cells
        ]
        everything = {"ratio": "", "each": "", **everything}
    else:
        names = {"model": "model", "videos": "videos", "seconds": "seconds", "at most MXN": "worst_mxn"}
        rows = [{shown: row[name] for shown, name in names.items()} for row in worst_by_model(plan)]
    if len(rows) > 1:
        rows.append({"model": "all", **everything})
    return [{**row, "at most MXN": f"{row['at most MXN']:,.2f}"} for row in rows]


def _beside(plan: Plan) -> Iterator[str]:
    bought, elsewhere = plan.bought, len(plan.elsewhere)
    if not plan.todo and not plan.left:
        yield f"{plan.prompts.source}: nothing to do."
    if bought:
        spent = sum((entry.charged_mxn or ZERO for entry in bought), ZERO)
        yield f"Already bought: {count(len(bought), 'video')} for {mxn(spent)}, not bought again."
    if failed := len(plan.finished) - len(bought):
        yield f"Failed for good: {count(failed, 'row')}. --retry-failed tries again."
    if plan.resumed:
        yield f"Going on with {count(plan.resumed, 'row')} that an earlier run has submitted."
    if elsewhere:
        yield f"Left to another run that works on them: {count(elsewhere, 'row')}."
    if plan.held:
        yield f"In doubt and left to you: {count(len(plan.held), 'row')}."
    if plan.left:
        yield f"Beyond the cap, left for a later run: {count(len(plan.left), 'row')}."
    if plan.prompts.rejected:
        yield f"Rejected, because they cannot be read: {count(len(plan.prompts.rejected), 'row')}."
    if plan.charged_month_mxn or plan.open_mxn:
        yield f"This month so far: {mxn(plan.charged_month_mxn)}; still possible beside this run: {mxn(plan.open_mxn)}."
