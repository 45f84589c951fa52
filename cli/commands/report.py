"""`report`: one HTML page of the videos, their cost and what is missing."""

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from cli.commands.mirror import Batches, Months, Sources
from cli.screen.console import console, say


def report(
    *,
    month: Months = (),
    batch: Batches = (),
    source: Sources = (),
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], help="Where to write it.")] = None,
    pictures: Annotated[int, Parameter(help="The most videos that get a picture.", validator=Number(gte=0))] = 5000,
) -> int:
    """Write one HTML page: videos, cost, what is missing.

    Example: dailies report --month 2026-11 -o november.html

    The page needs no network; where dailies mirror has made copies, it shows those.
    """
    from cli.service import open_service
    from dailies.errors import RefusedError
    from dailies.ledger.selection import Selection
    from dailies.report.html.write import report_selection
    from dailies.report.output import asked_output, is_stdout

    if is_stdout(output):
        raise RefusedError("A report is a file: name one, such as -o november.html")
    service = open_service()
    settings = service.settings
    selection = Selection(frozenset(month), frozenset(batch), frozenset(source))
    path = output or settings.report_path(*(source or ["ledger"]))
    with asked_output(output):
        written = asyncio.run(report_selection(service.open_ledger(), selection, path, settings, pictures))
    say(console(), f"Report: {written.resolve().as_uri()}")
    return 0
