"""Writes a report from a ledger's entries to one file: at the end of a run, or for `dailies report`."""

import asyncio
import shlex
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from dailies.errors import ServiceError
from dailies.ledger.entry import LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.selection import Selection, select_entries
from dailies.mirror.record import read_records
from dailies.planning.outcome import Outcome
from dailies.pricing import ZERO
from dailies.reconcile.account import AccountReport, add_up, ask_account, compare
from dailies.report.html.figures import count_figures, last_attempts
from dailies.report.html.page import Page, Pairs, filter_columns, make_cards, render_page
from dailies.report.html.thumbnails import draw_thumbnails
from dailies.report.html.video_links import find_videos
from dailies.report.output import require_output, write_output
from dailies.settings import Settings
from dailies.system.network import is_local_service

_SHOWN_NAMES = 20


async def report_run(folder: LedgerFolder, outcome: Outcome, settings: Settings) -> Path | None:
    """Write the report of a run next to its results; None if the ledger has none of its rows yet.

    Raises:
        OSError: it cannot be written.
        LedgerError: the ledger cannot be read.
    """
    prompts = outcome.prompts
    keys = (*(row.row_key for row in prompts.rows), *(row.row_key for row in prompts.rejected))
    entries = folder.entries(keys)
    if not entries:
        return None
    return await write_report(
        folder,
        entries,
        settings,
        title=prompts.source,
        scope=f"the rows of {prompts.source}",
        command=command_of(sources=sorted({entry.source for entry in entries})[:5]),
        path=settings.report_path(*prompts.sources),
        thumbnails=settings.report_thumbnails,
        account=await _ask_account(settings),
    )


async def report_selection(
    folder: LedgerFolder, selection: Selection, output: Path, settings: Settings, thumbnails: int
) -> Path:
    """Write the report of a part of the ledger.

    Raises:
        InputError: the ledger has no such part.
        RefusedError: it would overwrite a file of prompts.
        OSError: it cannot be written.
        LedgerError: the ledger cannot be read.
    """
    entries = select_entries(folder, selection, settings.tariff)
    require_output(output, {entry.source for entry in entries})
    command = command_of(selection.months, selection.batches, selection.sources)
    return await write_report(
        folder,
        entries,
        settings,
        title=_title(selection, entries),
        scope=str(selection),
        command=f"{command} -o {shlex.quote(str(output))}",
        path=output,
        thumbnails=thumbnails,
        account=await _ask_account(settings),
    )


async def write_report(
    folder: LedgerFolder,
    entries: Sequence[LedgerEntry],
    settings: Settings,
    *,
    title: str,
    scope: str,
    command: str,
    path: Path,
    thumbnails: int,
    account: AccountReport | None = None,
) -> Path:
    """Write one self-contained HTML file; return its path.

    Args:
        folder: the ledger.
        entries: all attempts of the rows that the report is about.
        settings: tariff, and where thumbnails are kept.
        title: the headline.
        scope: which part of the ledger it shows.
        command: what writes it again.
        path: where it goes.
        thumbnails: how many videos get a picture at most.
        account: what the service reports of the account; None if it was not asked.

    Raises:
        OSError: it cannot be written.
        LedgerError: the ledger cannot be read.
    """
    tariff, rows = settings.tariff, last_attempts(entries)
    videos = find_videos(entries, read_records(folder.path), path)
    cache = settings.data_dir / "cache" / "thumbnails"
    allow_local = await asyncio.to_thread(_is_local, settings)
    pictures = await draw_thumbnails(entries, videos, cache, thumbnails, allow_local=allow_local)
    columns = filter_columns(rows)
    page = Page(
        title=title,
        scope=f"{scope} · {folder.path}",
        service=folder.identity.service,
        made_at=datetime.now(UTC).astimezone(tariff.zone),
        figures=count_figures(entries, tariff),
        columns=columns,
        cards=make_cards(rows, columns, videos, pictures),
        rows=len(rows),
        account=_account(folder, account),
        command=command,
        query=f"duckdb -c \"FROM '{folder.path}/month=*/*.parquet' SELECT sum(charged_mxn)\"",
        provenance=_provenance(folder, entries, settings),
    )
    content = render_page(page).encode()
    write_output(path, lambda file: file.write(content))
    return path


def command_of(months: Iterable[str] = (), batches: Iterable[str] = (), sources: Iterable[str] = ()) -> str:
    """Return the command that writes a report about these."""
    named = (("--month", months), ("--batch", batches), ("--source", sources))
    options = (f" {option} {shlex.quote(value)}" for option, values in named for value in sorted(values))
    return f"dailies report{''.join(options)}"


def _is_local(settings: Settings) -> bool:
    """Return whether videos may be on the local network: the service, or the project of the copies, is there."""
    return any(is_local_service(url) for url in (settings.geekhub_base_url, settings.supabase_url) if url)


def _title(selection: Selection, entries: Iterable[LedgerEntry]) -> str:
    sources = sorted({entry.source for entry in entries})
    if len(sources) == 1:
        return sources[0]
    return ", ".join(sorted(selection.months)) or f"{len(sources)} sources"


async def _ask_account(settings: Settings) -> AccountReport | None:
    """Ask the service for the account; a service that does not answer leaves the report without it."""
    if settings.geekhub_api_key is None:
        return None
    try:
        return await ask_account(settings)
    except ServiceError:
        return None


def _account(folder: LedgerFolder, account: AccountReport | None) -> Pairs:
    """List the sums of the whole ledger, and what the service reports of the account."""
    booked = add_up(folder.entries())
    pairs = [
        ("charged, as the ledger says", f"{booked.charged_mxn:,} MXN for {booked.charges:,} videos"),
        ("unknown charges", f"{booked.unknown:,}, at most {booked.unknown_mxn:,} MXN"),
    ]
    if account is None or (account.balance_mxn is None and account.consumed_mxn is None):
        return [*pairs, ("the account", "was not asked; dailies settle compares")]
    if account.balance_mxn is not None:
        pairs.append(("balance", f"{account.balance_mxn:,} MXN"))
    if account.consumed_mxn is not None:
        difference = compare(account, booked, None, None).difference_mxn or ZERO
        pairs.append(("charged, as the account says", f"{account.consumed_mxn:,} MXN"))
        pairs.append(("difference", "none" if difference == 0 else f"{difference:,} MXN; dailies settle explains it"))
    return pairs


def _provenance(folder: LedgerFolder, entries: Sequence[LedgerEntry], settings: Settings) -> Pairs:
    rates = sorted({f"{entry.fx_mxn_per_usd.normalize():f}" for entry in entries if entry.fx_mxn_per_usd is not None})
    return [
        ("ledger", f"{folder.identity.ledger_id} ({folder.identity.service})"),
        ("organisation", folder.identity.organisation or "not known yet"),
        ("sources", _some({entry.source for entry in entries})),
        ("batches", _some({entry.batch_id for entry in entries})),
        ("FX, MXN for one USD", ", ".join(rates) or "none yet"),
        ("markup", str(settings.markup)),
        ("made by", f"dailies {version('dailies')}"),
    ]


def _some(names: set[str]) -> str:
    shown = sorted(names)[-_SHOWN_NAMES:]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")
