"""From the plan to the results: show what is left to do, ask, run the flow, tell what became of it."""

import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.prompt import Confirm

from cli.assignment import Assignment
from cli.screen.closing import show_arrival
from cli.screen.console import complain, say
from cli.screen.outcome import show_outcome
from cli.screen.plan import show_plan
from dailies.errors import MirrorError, RefusedError
from dailies.ledger.journal_fold import fold_dead
from dailies.ledger.selection import Selection
from dailies.mirror.mirror_run import MirrorRequest, mirror_videos
from dailies.mirror.open_target import require_target
from dailies.planning.claim import claim_rows
from dailies.planning.outcome import Outcome
from dailies.planning.plan import Plan
from dailies.report.html.occasions import report_run
from dailies.report.results import write_results
from dailies.report.table_formats import ResultsFormat
from dailies.wording import count, mxn


def present_plan(console: Console, given: Assignment) -> Plan:
    """Show where the command is going, and what is left to do."""
    if (where := given.service.sandbox_url) is not None:
        say(console, f"No GEEKHUB_API_KEY, so this is the sandbox at {where}: no money is spent.", "cyan")
    plan = given.plan()
    show_plan(console, plan)
    if left := given.whole.record_count - given.prompts.record_count:
        say(console, f"Beyond --limit {given.limit}: {count(left, 'row')}.")
    return plan


def run_assignment(console: Console, given: Assignment, *, yes: bool) -> int:
    """Show the plan, ask where money is real, run the flow, show what became of it; returns the exit code."""
    plan = present_plan(console, given)
    _require_room_for_results(given)
    _require_mirror(given)
    if not plan.todo:
        return _close(console, given, _catch_up(given, plan))
    _ask(console, given, plan, yes=yes)
    stopped_by = _generate(console, given, plan)
    code = _close(console, given, given.whole_outcome())
    if stopped_by is None:
        return code
    complain(stopped_by)
    return max(code, 1)


def present_results(
    console: Console,
    given: Assignment,
    output: Path | None = None,
    form: ResultsFormat | None = None,
    whole: Outcome | None = None,
) -> int:
    """Write the results of all sources and show how they stand; returns the exit code that says it.

    ``whole`` is how they stand, where that is known already: reading it takes seconds if there are very many.
    """
    path = given.place_results(output, form)
    whole = whole or given.whole_outcome()
    write_results(path, whole, form)
    outcome = whole.first(given.limit)
    show_outcome(console, outcome, str(path), given.again)
    return outcome.exit_code


def _require_room_for_results(given: Assignment) -> None:
    folder = given.results_path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RefusedError(
            f"The folder of the results, {folder}, cannot be made ({error.strerror}); choose another by"
            " DAILIES_DATA_DIR. Nothing was spent."
        ) from None


def _require_mirror(given: Assignment) -> None:
    try:
        asyncio.run(require_target(given.service.settings))
    except MirrorError as error:
        raise RefusedError(f"{str(error).rstrip('.')}. Nothing was spent.") from error


def _catch_up(given: Assignment, plan: Plan) -> Outcome:
    """What a run does at its end, where nothing was left to run: fold, copy what is not copied yet, report."""
    with given.folder.lock():
        fold_dead(given.folder, by="run", take_over=given.terms.take_over)
    if plan.left or given.whole.rejected:
        terms = replace(given.terms, take_over=frozenset())  # they are folded
        claim_rows(given.folder, given.prompts, terms, datetime.now(UTC))
    settings, whole = given.service.settings, given.whole_outcome()
    outcome = whole.first(given.limit)
    if settings.mirror_to is not None:
        request = MirrorRequest(settings.mirror_to, Selection())
        asyncio.run(mirror_videos(given.folder, list(outcome.entries()), request, settings))
    asyncio.run(report_run(given.folder, outcome, settings))
    return whole


def _ask(console: Console, given: Assignment, plan: Plan, *, yes: bool) -> None:
    if yes or not given.service.is_real_money:
        return
    if not sys.stdin.isatty():
        raise RefusedError("This would spend real money and nobody can be asked; say --yes to run it in a script.")
    try:
        agreed = Confirm.ask(f"Spend up to {mxn(plan.worst_mxn)}?", console=console, default=False)
    except EOFError:  # Ctrl-D
        agreed = False
        console.print()
    if not agreed:
        raise RefusedError("Nothing was spent.")


def _generate(console: Console, given: Assignment, plan: Plan) -> str | None:
    from cli.flow_runner import await_server, begin_server, prepare_prefect, run_generate

    settings = given.service.settings
    prepare_prefect(settings)
    server = begin_server()
    await_server(server, console, settings)
    say(console, f"Watch it in Prefect: {server.ui_url}")
    return run_generate(
        console,
        given.csv,
        template=given.template or "",
        max_cost_mxn=settings.max_cost_mxn,
        max_month_mxn=settings.max_month_mxn,
        fit=given.terms.caps.fit,
        skip_bad_rows=bool(given.whole.rejected),
        retry_failed=given.terms.policy.retry_failed,
        limit=given.limit,
        approved_mxn=plan.worst_mxn,
        take_over=sorted(given.terms.take_over),
        order=given.terms.order,
        mirror_to=settings.mirror_to or "",
    )


def _close(console: Console, given: Assignment, whole: Outcome) -> int:
    """Write the results, say where everything is; returns the exit code."""
    code = present_results(console, given, whole=whole)
    return max(code, show_arrival(console, given.folder, whole.first(given.limit), given.service.settings))
