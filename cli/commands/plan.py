"""`plan`: show what a run would do and may cost; spend nothing."""

from cli.commands.options import Csv, Fit, Json, Limit, MaxCost, MaxMonth, Reading, Retry
from cli.screen.console import console, say, say_json
from dailies.prompts.options import AS_WRITTEN


def plan(
    csv: Csv,
    /,
    *,
    reading: Reading = AS_WRITTEN,
    max_cost_mxn: MaxCost = None,
    max_month_mxn: MaxMonth = None,
    limit: Limit = None,
    fit: Fit = False,
    retry_failed: Retry = False,
    as_json: Json = False,
) -> int:
    """Show what a run would do and may cost; spend nothing.

    Example: dailies plan prompts.csv
    """
    from cli.invocation import open_invocation
    from cli.screen.plan import present_plan
    from dailies.planning.options import RunOptions
    from dailies.report.as_json import plan_facts

    invocation = open_invocation(RunOptions.chosen(locals(), sources=csv))
    if as_json:
        say_json(plan_facts(invocation.plan(), invocation.service.settings.service))
    elif present_plan(console(), invocation).todo:
        say(console(), f"Next: {invocation.next_command}")
    return 0
