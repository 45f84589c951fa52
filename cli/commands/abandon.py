"""`abandon`: give up open rows."""

import asyncio
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
    poll: Annotated[
        bool | None, Parameter(help="First poll jobs once more that were polled before; a terminal asks.")
    ] = None,
    reading: Reading = AS_WRITTEN,
) -> int:
    """Give up open rows: they are never polled again.

    Example: dailies abandon 3f2b9c1a, or: dailies abandon --csv prompts.csv 14 15

    The next run of the CSV orders them again. A job that was polled may have been charged by that poll: then you pay
    for its row twice, and until then its worst case stays reserved. --poll polls such jobs one last time; a finished
    one is yours and is charged, and its row is not given up.
    """
    from cli.invocation import read_sources
    from cli.screen.abandon import offer_last_poll, show_abandoned, show_last_polls
    from cli.service import find_service, open_service
    from dailies.errors import RefusedError
    from dailies.planning.options import RunOptions
    from dailies.reconcile.abandon import abandon_rows, keys_of_lines, open_attempts, poll_before

    if not rows:
        raise RefusedError("Name the rows to give up; the results CSV has every row's key. Nothing was changed.")
    service = find_service()
    keys = list(rows)
    if csv is not None:
        options = RunOptions(sources=(csv,), reading=replace(reading, skip_bad_rows=True))
        keys = keys_of_lines(read_sources(options), rows)
    folder, screen = service.open_ledger(), console()
    polled = [entry for entry in open_attempts(folder, keys) if entry.status.has_job and entry.polls]
    if polled and offer_last_poll(screen, polled, poll=poll):
        ended = asyncio.run(poll_before(open_service().settings, folder, [entry.row_key for entry in polled]))
        keys = show_last_polls(screen, keys, ended)
    if keys:
        show_abandoned(screen, abandon_rows(folder, keys, datetime.now(UTC)))
    return 0
