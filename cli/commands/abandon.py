"""`abandon`: give up open rows."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter

from cli.commands.options import Reading
from cli.screen.console import console
from dailies.prompts.options import AS_WRITTEN


def abandon(
    *rows: Annotated[str, Parameter(help="Row keys or their beginnings; with --csv: lines.")],
    csv: Annotated[str | None, Parameter(help="The CSV that the lines belong to.")] = None,
    reading: Reading = AS_WRITTEN,
) -> int:
    """Give up open rows: they are never polled again.

    Example: dailies abandon 3f2b9c1a, or: dailies abandon --csv prompts.csv 14 15

    The next run of the CSV orders them again. A job that was polled may have been charged by that poll: its worst
    case stays reserved.
    """
    from cli.invocation import read_sources
    from cli.screen.settlement import show_abandoned
    from cli.service import find_service
    from dailies.errors import RefusedError
    from dailies.planning.options import RunOptions
    from dailies.reconcile.abandon import abandon_rows, keys_of_lines

    if not rows:
        raise RefusedError("Name the rows to give up; the results CSV has every row's key. Nothing was changed.")
    service = find_service()
    settings = service.settings
    keys = list(rows)
    if csv is not None:
        options = RunOptions(sources=(csv,), reading=replace(reading, skip_bad_rows=True))
        keys = keys_of_lines(read_sources(options), rows)
    show_abandoned(console(), abandon_rows(service.open_ledger(), keys, settings.tariff, datetime.now(UTC)))
    return 0
