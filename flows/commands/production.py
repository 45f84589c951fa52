"""`plan`, `run`, `results`: from a CSV to its videos."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flows.console import console

Csv = Annotated[Path, Parameter(help="The CSV of prompts.")]
MaxCost = Annotated[Decimal | None, Parameter(help="What this run may cost at worst, in MXN.")]
MaxMonth = Annotated[Decimal | None, Parameter(help="What the month may come to, in MXN.")]
Fit = Annotated[bool, Parameter(negative="", help="Take rows in order until a cap is reached.")]
SkipBad = Annotated[bool, Parameter(negative="", help="Note unreadable rows as rejected and go on with the others.")]
Retry = Annotated[bool, Parameter(negative="", help="Give rows that ended as failed a new round.")]


def plan(
    csv: Csv,
    *,
    max_cost_mxn: MaxCost = None,
    max_month_mxn: MaxMonth = None,
    fit: Fit = False,
    skip_bad_rows: SkipBad = False,
    retry_failed: Retry = False,
) -> int:
    """Show what is left to do in a CSV and what it may cost. Changes nothing.

    Example: dailies plan data/prompts/sample.csv
    """
    from flows.job import open_job

    job = open_job(csv, max_cost_mxn, max_month_mxn, fit=fit, skip_bad_rows=skip_bad_rows, retry_failed=retry_failed)
    job.show_plan(console())
    return 0


def run(
    csv: Csv,
    *,
    max_cost_mxn: MaxCost = None,
    max_month_mxn: MaxMonth = None,
    fit: Fit = False,
    skip_bad_rows: SkipBad = False,
    retry_failed: Retry = False,
    yes: Annotated[bool, Parameter(negative="", help="Do not ask before spending.")] = False,
    take_over: Annotated[tuple[str, ...], Parameter(help="Batches of hanging runs, whose rows are taken.")] = (),
) -> int:
    """Make the videos of a CSV. The same command again goes on where it ended, and buys nothing twice.

    Example: dailies run prompts.csv --max-cost-mxn 500
    """
    from flows.job import open_job

    job = open_job(
        csv,
        max_cost_mxn,
        max_month_mxn,
        fit=fit,
        skip_bad_rows=skip_bad_rows,
        retry_failed=retry_failed,
        take_over=take_over,
    )
    return job.run(console(), yes=yes)


def results(csv: Csv, *, output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None) -> int:
    """Write the results CSV of a file as it stands now: its own columns, and what became of each row.

    Example: dailies results prompts.csv -o done.csv
    """
    from flows.job import open_job

    return open_job(csv, skip_bad_rows=True, offline=True).write_results(console(), output)


def demo(*, fresh: bool = False) -> int:
    """The main job on data/prompts/sample.csv, on the sandbox, from beginning to end."""
    from flows.demo import run_demo

    return run_demo(console(), fresh=fresh)
