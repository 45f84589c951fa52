"""From the plan to the results: show what is left to do, ask, run the flow, show the outcome."""

import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime

from rich.console import Console
from rich.prompt import Confirm

from cli.invocation import Invocation
from cli.screen.closing import present_results, show_copies
from cli.screen.console import complain, say
from cli.screen.plan import present_plan
from dailies.errors import MirrorError, RefusedError
from dailies.ledger.journal_fold import fold_dead
from dailies.ledger.selection import Selection
from dailies.mirror.mirror_run import MirrorRequest, mirror_videos
from dailies.mirror.open_target import require_target
from dailies.planning.approval import digest_rows
from dailies.planning.claim import claim_rows
from dailies.planning.outcome import Outcome
from dailies.planning.plan import Plan
from dailies.planning.terms import require_ledger
from dailies.report.html.write import report_run
from dailies.wording import mxn


def run_prompts(console: Console, invocation: Invocation, *, yes: bool) -> int:
    """Show the plan, ask where money is real, run the flow, show the outcome; return the exit code.

    Raises:
        RefusedError: nothing was spent.
    """
    plan = present_plan(console, invocation)
    _require_room_for_results(invocation)
    _require_mirror(invocation)
    if not plan.todo:
        return _close(console, invocation, _catch_up(invocation, plan))
    _ask(console, invocation, plan, yes=yes)
    stopped_by = _generate(console, invocation, plan)
    code = _close(console, invocation, invocation.whole_outcome())
    if stopped_by is None:
        return code
    complain(stopped_by)
    return max(code, 1)


def _require_room_for_results(invocation: Invocation) -> None:
    folder = invocation.results_path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RefusedError(
            f"The folder of the results, {folder}, cannot be made ({error.strerror}); choose another with"
            " DAILIES_DATA_DIR. Nothing was spent."
        ) from None


def _require_mirror(invocation: Invocation) -> None:
    try:
        asyncio.run(require_target(invocation.service.settings))
    except MirrorError as error:
        raise RefusedError(f"{str(error).rstrip('.')}. Nothing was spent.") from error


def _catch_up(invocation: Invocation, plan: Plan) -> Outcome:
    """Do what a run does at its end: fold, copy what is not copied yet, write the report."""
    with invocation.folder.lock():
        fold_dead(invocation.folder, by="run", take_over=invocation.terms.take_over)
    if plan.left or invocation.whole.rejected:
        terms = replace(invocation.terms, options=replace(invocation.options, take_over=()))  # they are folded
        claim_rows(invocation.folder, invocation.prompts, terms, datetime.now(UTC))
    settings, whole = invocation.service.settings, invocation.whole_outcome()
    outcome = whole.first(invocation.options.limit)
    if settings.mirror_to is not None:
        request = MirrorRequest(settings.mirror_to, Selection())
        asyncio.run(mirror_videos(invocation.folder, list(outcome.entries()), request, settings))
    asyncio.run(report_run(invocation.folder, outcome, settings))
    return whole


def _ask(console: Console, invocation: Invocation, plan: Plan, *, yes: bool) -> None:
    if not invocation.service.is_real_money:
        return
    is_terminal = sys.stdin.isatty()
    if not yes and not is_terminal:
        raise RefusedError("This would spend real money, and there is no terminal to ask; add --yes in a script.")
    if invocation.folder.is_new and not invocation.options.new_ledger:
        if not is_terminal:
            require_ledger(invocation.folder, invocation.service.settings, invocation.options)
        _confirm(console, f"Start a new ledger in {invocation.folder.path.absolute()}?")
    if not yes:
        _confirm(console, f"Spend up to {mxn(plan.worst_mxn)}?")


def _confirm(console: Console, question: str) -> None:
    try:
        agreed = Confirm.ask(question, console=console, default=False)
    except EOFError:  # Ctrl-D
        agreed = False
        console.print()
    if not agreed:
        raise RefusedError("Nothing was spent.")


def _generate(console: Console, invocation: Invocation, plan: Plan) -> str | None:
    from cli.flow_runner import await_server, begin_server, prepare_prefect, run_generate
    from cli.prefect_checks import show_login

    settings = invocation.service.settings
    prepare_prefect(settings)
    server = begin_server()
    await_server(server, console, settings)
    say(console, f"Watch it in Prefect: {server.ui_url}")
    show_login(console, server)
    options = replace(
        invocation.options,
        max_cost_mxn=settings.max_cost_mxn,
        max_month_mxn=settings.max_month_mxn,
        mirror_to=settings.mirror_to,
        reading=replace(invocation.options.reading, skip_bad_rows=bool(invocation.whole.rejected)),
        approved_mxn=plan.worst_mxn,
        approved_rows=digest_rows(plan.prompts),
        new_ledger=True,
    )
    return run_generate(console, options)


def _close(console: Console, invocation: Invocation, whole: Outcome) -> int:
    """Write the results and say where everything is; return the exit code."""
    limit, bom = invocation.options.limit, invocation.service.settings.csv_bom
    code = present_results(console, whole, invocation.results_path, invocation.next_command, limit=limit, bom=bom)
    return max(code, show_copies(console, invocation.folder, whole.first(limit), invocation.service.settings))
