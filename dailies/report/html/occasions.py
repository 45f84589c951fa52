"""The two occasions on which reports are written: at the end of a run, and when somebody asks for one."""

import shlex
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from dailies.errors import ServiceError
from dailies.ledger.entry import LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.selection import Selection, select_entries
from dailies.planning.outcome import Outcome
from dailies.reconcile.account import AccountReport
from dailies.reconcile.settle import ask_account
from dailies.report.html.write import ReportWish, write_report
from dailies.report.output import require_output
from dailies.settings import Settings


async def report_run(folder: LedgerFolder, outcome: Outcome, settings: Settings) -> Path | None:
    """Write the report of a run next to its results; None where the ledger has none of its rows yet.

    Raises:
        OSError: it cannot be written.
        LedgerError: the ledger cannot be read.
    """
    prompts = outcome.prompts
    keys = (*(row.row_key for row in prompts.rows), *(row.row_key for row in prompts.rejected))
    entries = folder.entries(keys)
    if not entries:
        return None
    sources = sorted({entry.source for entry in entries})
    wish = ReportWish(
        title=prompts.source,
        scope=f"the rows of {prompts.source}",
        command=command_of(sources=sources[:5]),
        path=settings.report_path(*prompts.sources),
        thumbnails=settings.report_thumbnails,
        told=await _ask(settings),
    )
    return await write_report(folder, entries, wish, settings, datetime.now(UTC))


async def report_selection(
    folder: LedgerFolder, selection: Selection, output: Path, settings: Settings, thumbnails: int
) -> Path:
    """Write the report that somebody asks for.

    Raises:
        InputError: the ledger has nothing of it.
        RefusedError: it would take the place of a file of prompts.
        OSError: it cannot be written.
        LedgerError: the ledger cannot be read.
    """
    entries = select_entries(folder, selection, settings.tariff)
    require_output(output, {entry.source for entry in entries})
    command = command_of(selection.months, selection.batches, selection.sources)
    wish = ReportWish(
        title=_title(selection, entries),
        scope=str(selection),
        command=f"{command} -o {shlex.quote(str(output))}",
        path=output,
        thumbnails=thumbnails,
        told=await _ask(settings),
    )
    return await write_report(folder, entries, wish, settings, datetime.now(UTC))


def command_of(months: Iterable[str] = (), batches: Iterable[str] = (), sources: Iterable[str] = ()) -> str:
    """The command that makes a report about these."""
    named = (("--month", months), ("--batch", batches), ("--source", sources))
    options = (f" {option} {shlex.quote(value)}" for option, values in named for value in sorted(values))
    return f"dailies report{''.join(options)}"


def _title(selection: Selection, entries: Iterable[LedgerEntry]) -> str:
    sources = sorted({entry.source for entry in entries})
    if len(sources) == 1:
        return sources[0]
    return ", ".join(sorted(selection.months)) or f"{len(sources)} sources"


async def _ask(settings: Settings) -> AccountReport | None:
    """What the service says of the account; a report does without, where it says nothing."""
    if settings.geekhub_api_key is None:
        return None
    try:
        return await ask_account(settings)
    except ServiceError:
        return None
