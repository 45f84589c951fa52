"""`settle`, `abandon`, `failed`, `ledger verify`: the books, after the runs."""

import asyncio
import shlex
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from cli.commands.options import Csv, Json, Template
from cli.screen.console import complain, console, say, say_json
from dailies.wording import count

ledger_app = App(name="ledger", help="Check the ledger's own health.\n\nExample: dailies ledger verify")


def settle(
    *,
    credited_mxn: Annotated[
        Decimal | None, Parameter(help="What was paid in since the last settlement, in MXN.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Collect what is open; compare ledger and account.

    Example: dailies settle

    Nothing is ordered. What dead runs left is folded, each open job is looked at once.

    Exit codes: 0 settled, 1 a difference that nothing explains, 3 something is still open or at work.
    """
    from cli.screen.settlement import show_settlement
    from cli.service import open_service
    from dailies.reconcile.settle import settle_ledger
    from dailies.reconcile.wording import settlement_facts

    service = open_service()
    folder = service.open_ledger()
    settlement = asyncio.run(settle_ledger(service.settings, folder, "dailies settle", credited_mxn=credited_mxn))
    if as_json:
        say_json(settlement_facts(settlement))
    else:
        show_settlement(console(), settlement)
    return settlement.exit_code


def abandon(
    *rows: Annotated[str, Parameter(help="Row keys or their beginnings; with --csv: lines.")],
    csv: Annotated[str | None, Parameter(help="The CSV whose lines are meant.")] = None,
    template: Template = None,
) -> int:
    """Give up open rows: they are never polled again.

    Example: dailies abandon 3f2b9c1a, or: dailies abandon --csv prompts.csv 14 15

    The next run of the CSV orders them anew. A job that was polled may have been charged in that poll: its worst case
    stays reserved.
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
    given_up = abandon_rows(service.open_ledger(), keys, settings.tariff, datetime.now(UTC))
    show_abandoned(console(), given_up)
    return 0


def failed(
    csv: Csv,
    /,
    *,
    template: Template = None,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="Where to write them; - is stdout.")],
) -> int:
    """Write the rows that failed as a CSV to work on.

    Example: dailies failed prompts.csv -o again.csv

    It is valid input, with the reason in meta.reason. A row that is changed is a new request; one that is not needs
    --retry-failed.
    """
    from cli.invocation import find_assignment
    from dailies.report.failed_rows import write_failed
    from dailies.report.output import asked_output, is_stdout

    outcome = find_assignment(csv, template).outcome()
    with asked_output(output, outcome.prompts.sources):
        written = write_failed(output, outcome)
    screen, place = console(to_stderr=is_stdout(output)), shlex.quote(str(output))
    if not written:
        say(screen, f"No row of {' '.join(csv)} has failed; nothing was written.")
    elif is_stdout(output):
        say(screen, f"{count(written, 'failed row')}.")
    else:
        say(screen, f"{count(written, 'failed row')}: {output}. Change the prompts, then: dailies run {place}")
        say(screen, f"To try the same requests again: dailies run {place} --retry-failed")
    if rejected := outcome.prompts.rejected:
        complain(f"Left out: {count(len(rejected), 'row')} that cannot be read (dailies validate {' '.join(csv)}).")
    return 0


@ledger_app.command(name="verify")
def verify(*, as_json: Json = False) -> int:
    """Compute every charge again, and look for doubles and damage.

    Example: dailies ledger verify

    Exit codes: 0 sound, 1 something is wrong.
    """
    from cli.screen.settlement import show_verification
    from cli.service import find_service
    from dailies.pricing import ZERO
    from dailies.reconcile.verify import Verification, verify_ledger

    service = find_service()
    folder = service.find_ledger()
    found = verify_ledger(folder) if folder else Verification(0, 0, ZERO, 0, ())
    if as_json:
        say_json({"ledger": str(service.ledger_path), **asdict(found)})
    elif folder is None:
        say(console(), f"There is no ledger at {service.ledger_path} yet.")
    else:
        show_verification(console(), str(folder.path), found)
    return 1 if found.findings else 0
