"""`run`: make the videos of a CSV; run it again to continue."""

from typing import Annotated

from cyclopts import Parameter

from cli.commands.options import Csv, Fit, InOrder, Json, Limit, MaxCost, MaxMonth, Reading, Retry
from cli.screen.console import console, say_json
from dailies.prompts.options import AS_WRITTEN


def run(
    csv: Csv,
    /,
    *,
    reading: Reading = AS_WRITTEN,
    max_cost_mxn: MaxCost = None,
    max_month_mxn: MaxMonth = None,
    limit: Limit = None,
    fit: Fit = False,
    retry_failed: Retry = False,
    order: InOrder = "file",
    yes: Annotated[bool, Parameter(help="Do not ask before spending.")] = False,
    take_over: Annotated[tuple[str, ...], Parameter(help="Batches of hanging runs to take over.")] = (),
    mirror_to: Annotated[str | None, Parameter(help="Copy the videos there: a folder, supabase://bucket.")] = None,
    new_ledger: Annotated[bool, Parameter(help="Start a new ledger, although videos cost money.")] = False,
    as_json: Json = False,
) -> int:
    """Make the videos of a CSV; run it again to continue.

    Example: dailies run prompts.csv --max-cost-mxn 500
    """
    from cli.invocation import open_invocation
    from cli.run_command import run_prompts
    from dailies.planning.options import RunOptions
    from dailies.report.as_json import outcome_facts

    invocation = open_invocation(RunOptions.chosen(locals(), sources=csv), keep_input=True)
    code = run_prompts(console(to_stderr=as_json), invocation, yes=yes)
    if as_json:
        say_json(outcome_facts(invocation.outcome(), str(invocation.results_path)))
    return code
