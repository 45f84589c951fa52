"""`new`: a starter sheet to fill in."""

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cli.screen.console import console, say


def new(path: Annotated[Path, Parameter(help="The sheet to write: .csv or .xlsx.")] = Path("prompts.csv"), /) -> int:
    """Write a starter sheet with hints and prices.

    Example: dailies new prompts.xlsx

    A run accepts it as it is. An .xlsx has lists of models and ratios to choose from.
    """
    from cli.service import find_service
    from dailies.prompts.starter import write_starter
    from dailies.report.output import asked_output

    settings = find_service().settings
    with asked_output(path):
        write_starter(path, default_model=settings.default_model, tariff=settings.tariff, now=datetime.now(UTC))
    say(console(), f"{path}: change the prompts, then: dailies plan {shlex.quote(str(path))}")
    return 0
