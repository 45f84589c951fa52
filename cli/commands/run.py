"""`plan`, `run`, `demo`: from a CSV to its videos."""

from typing import Annotated

from cyclopts import Parameter

from cli.commands.options import Csv, Fit, InOrder, Json, Limit, MaxCost, MaxMonth, Retry, SkipBad, Template
from cli.screen.console import console, say, say_json


def plan(
    csv: Csv,
    /,
    *,
    template: Template = None,
    max_cost_mxn: MaxCost = None,
    max_month_mxn: MaxMonth = None,
    limit: Limit = None,
    fit: Fit = False,
    skip_bad_rows: SkipBad = False,
    retry_failed: Retry = False,
    as_json: Json = False,
) -> int:
    """Show what a run would do and may cost; spend nothing.

    Example: dailies plan prompts.csv
    """
    from cli.invocation import open_assignment
    from cli.run_command import present_plan
    from dailies.report.as_json import plan_facts

    given = open_assignment(
        csv,
        max_cost_mxn,
        max_month_mxn,
        template=template,
        fit=fit,
        skip_bad_rows=skip_bad_rows,
        retry_failed=retry_failed,
        limit=limit,
    )
    if as_json:
        say_json(plan_facts(given.plan(), given.service.name))
    elif present_plan(console(), given).todo:
        say(console(), f"Next: {given.again}")
    return 0


def run(
    csv: Csv,
    /,
    *,
    template: Template = None,
    max_cost_mxn: MaxCost = None,
    max_month_mxn: MaxMonth = None,
    limit: Limit = None,
    fit: Fit = False,
    skip_bad_rows: SkipBad = False,
    retry_failed: Retry = False,
    order: InOrder = "file",
    yes: Annotated[bool, Parameter(help="Do not ask before spending.")] = False,
    take_over: Annotated[tuple[str, ...], Parameter(help="Batches of hanging runs to take.")] = (),
    mirror_to: Annotated[str | None, Parameter(help="Copy the videos there: a folder, supabase://bucket.")] = None,
    as_json: Json = False,
) -> int:
    """Make the videos of a CSV; again: go on where it ended.

    Example: dailies run prompts.csv --max-cost-mxn 500
    """
    from cli.invocation import open_assignment
    from cli.run_command import run_assignment
    from dailies.report.as_json import outcome_facts

    given = open_assignment(
        csv,
        max_cost_mxn,
        max_month_mxn,
        template=template,
        fit=fit,
        skip_bad_rows=skip_bad_rows,
        retry_failed=retry_failed,
        limit=limit,
        take_over=take_over,
        order=order,
        keep_input=True,
        mirror_to=mirror_to,
    )
    code = run_assignment(console(to_stderr=as_json), given, yes=yes)
    if as_json:
        say_json(outcome_facts(given.outcome(), str(given.results_path)))
    return code


def demo(
    *, fresh: Annotated[bool, Parameter(help="First move the earlier sandbox and its ledger aside.")] = False
) -> int:
    """Run data/prompts/sample.csv on the sandbox, from the plan to the account.

    Example: dailies demo --fresh
    """
    from cli.demo import run_demo

    return run_demo(console(), fresh=fresh)
