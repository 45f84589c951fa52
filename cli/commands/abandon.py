"""`abandon`: give up open rows."""

from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter

from cli.commands.options import Template
from cli.screen.console import console


def abandon(
    *rows: Annotated[str, Parameter(help="Row keys or their beginnings; with --csv: lines.")],
    csv: Annotated[str | None, Parameter(help="The CSV that the lines belong to.")] = None,
    template: Template = None,
) -> int:
    """Give up open rows: they are never polled again.

    Example: dailies abandon 3f2b9c1a, or: dailies abandon --csv prompts.csv 14 15

    The next run of the CSV orders them again. A job that was polled may have been charged by that poll: its worst
    case stays reserved.
    """
    from cli.screen.settlement import show_abandoned
    from cli.service import find_service
    from dailies.errors import RefusedError
    from dailies.prompts.reader import read_prompts
    from dailies.reconcile.abandon import abandon_rows, keys_of_lines

    if not rows:
        raise RefusedError("Name the rows to give up; the results CSV has every row's key. Nothing was changed.")
    service = find_service()
    settings = service.settings
    keys = list(rows)
    if csv is not None:
        prompts = read_prompts(csv, default_model=settings.default_model, skip_bad_rows=True, template=template)
        keys = keys_of_lines(prompts, rows)
    show_abandoned(console(), abandon_rows(service.open_ledger(), keys, settings.tariff, datetime.now(UTC)))
    return 0
