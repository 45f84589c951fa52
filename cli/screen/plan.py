"""Shows the plan: what a run would do now, and what it may cost."""

from collections.abc import Iterator

from rich.console import Console

from cli.invocation import Invocation
from cli.screen.console import say, show_table
from dailies.planning.plan import Plan
from dailies.report.plan_breakdown import find_duplicates, price_cells, size_words
from dailies.report.totals import sum_up, worst_by_model
from dailies.wording import count, mxn

_SHOWN_CELLS = 40
_SHOWN_DUPLICATES = 5


def present_plan(console: Console, invocation: Invocation) -> Plan:
    """Say which service the command uses, and show what is left to do."""
    if (where := invocation.service.sandbox_url) is not None:
        say(console, f"No GEEKHUB_API_KEY, so this is the sandbox at {where}: no money is spent.", "cyan")
    if invocation.folder.is_new:
        say(console, f"New ledger: {invocation.folder.path.absolute()} knows of no video yet.", "yellow")
    plan = invocation.plan()
    show_plan(console, plan)
    if left := invocation.whole.record_count - invocation.prompts.record_count:
        say(console, f"Beyond --limit {invocation.options.limit}: {count(left, 'row')}.")
    return plan


def show_plan(console: Console, plan: Plan) -> None:
    """Show what a run would do now, and what it may cost."""
    prompts = plan.prompts
    if plan.todo:
        show_table(console, f"Plan for {prompts.source}: {size_words(prompts)}", _plan_rows(plan))
    for line in _beside(plan):
        say(console, line)
    duplicates = find_duplicates(prompts)
    for duplicate in duplicates[:_SHOWN_DUPLICATES]:
        say(console, str(duplicate), "yellow")
    if len(duplicates) > _SHOWN_DUPLICATES:
        say(
            console,
            f"... and {len(duplicates) - _SHOWN_DUPLICATES:,} more requests are there more than once.",
            "yellow",
        )


def _plan_rows(plan: Plan) -> list[dict[str, object]]:
    """List each kind of video with its price; or each model, if there are too many kinds."""
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
        rows = [
            {"model": one.model, "videos": one.videos, "seconds": one.seconds, "at most MXN": one.worst_mxn}
            for one in worst_by_model(row.entry for row in plan.todo)
        ]
    if len(rows) > 1:
        rows.append({"model": "all", **everything})
    return [{**row, "at most MXN": f"{row['at most MXN']:,.2f}"} for row in rows]


def _beside(plan: Plan) -> Iterator[str]:
    bought, elsewhere = plan.bought, len(plan.elsewhere)
    if not plan.todo and not plan.left:
        yield f"{plan.prompts.source}: nothing to do."
    if bought:
        spent = sum_up("bought", bought).charged_mxn
        yield f"Already bought: {count(len(bought), 'video')} for {mxn(spent)}; they are not bought again."
    if failed := len(plan.finished) - len(bought):
        yield f"Failed for good: {count(failed, 'row')}. --retry-failed tries again."
    if plan.resumed:
        yield f"Continuing {count(plan.resumed, 'row')} that an earlier run submitted."
    if elsewhere:
        yield f"Left to another run in progress: {count(elsewhere, 'row')}."
    if plan.held:
        yield f"In doubt and held for you: {count(len(plan.held), 'row')}."
    if plan.left:
        yield f"Beyond the cap, left for a later run: {count(len(plan.left), 'row')}."
    if plan.prompts.rejected:
        yield f"Rejected as unreadable: {count(len(plan.prompts.rejected), 'row')}."
    if plan.charged_month_mxn or plan.open_mxn:
        charged, possible = mxn(plan.charged_month_mxn), mxn(plan.open_mxn)
        yield f"Charged this month: {charged}; still possible from other open rows: {possible}."
