"""Writing a report: from a ledger's entries to one file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

from dailies.ledger.entry import LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.mirror.record import read_records
from dailies.pricing import ZERO
from dailies.reconcile.account import AccountReport, compare
from dailies.reconcile.settle import add_up
from dailies.report.html.figures import count_figures
from dailies.report.html.page import Contents, Pairs, render_report
from dailies.report.html.thumbnails import draw_thumbnails
from dailies.report.html.video_links import find_videos
from dailies.report.output import write_output
from dailies.settings import Settings

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ReportWish:
    """What a report is about.

    Attributes:
        title: its headline.
        scope: which part of the ledger.
        command: what makes it again.
        path: where it goes.
        thumbnails: how many videos get a picture at most.
        told: what the service says about the account; None if it was not asked.
    """

    title: str
    scope: str
    command: str
    path: Path
    thumbnails: int
    told: AccountReport | None = None


async def write_report(
    folder: LedgerFolder, entries: Sequence[LedgerEntry], wish: ReportWish, settings: Settings, now: datetime
) -> Path:
    """Write one self-contained HTML file; returns its path.

    Args:
        folder: the ledger.
        entries: all attempts of the rows that the report is about.
        wish: what it is about, and where it goes.
        settings: tariff, and where thumbnails are kept.
        now: when it is made.

    Raises:
        OSError: it cannot be written.
        LedgerError: the ledger cannot be read.
    """
    sources = find_videos(entries, read_records(folder.path), wish.path)
    pictures = await draw_thumbnails(entries, sources, settings.data_dir / "cache" / "thumbnails", wish.thumbnails)
    contents = Contents(
        title=wish.title,
        scope=f"{wish.scope} · {folder.path}",
        service=folder.identity.service,
        made_at=now,
        zone=settings.tariff.zone,
        entries=entries,
        figures=count_figures(entries, settings.tariff),
        sources=sources,
        pictures=pictures,
        account=_account(folder, wish.told),
        command=wish.command,
        query=f"duckdb -c \"FROM '{folder.path}/month=*/*.parquet' SELECT sum(charged_mxn)\"",
        provenance=_provenance(folder, entries, settings),
    )
    page = render_report(contents).encode()
    write_output(wish.path, lambda file: _write(file, page))
    return wish.path


def _account(folder: LedgerFolder, told: AccountReport | None) -> Pairs:
    """What the whole ledger comes to, and what the service says, where it was asked."""
    booked = add_up(folder.entries())
    pairs = [
        ("charged, as the ledger says", f"{booked.charged_mxn:,} MXN for {booked.charges:,} videos"),
        ("charges that are not known", f"{booked.unknown:,}, at most {booked.unknown_mxn:,} MXN"),
    ]
    if told is None or (told.balance_mxn is None and told.consumed_mxn is None):
        return [*pairs, ("the account", "was not asked; dailies settle compares")]
    if told.balance_mxn is not None:
        pairs.append(("balance", f"{told.balance_mxn:,} MXN"))
    if told.consumed_mxn is not None:
        difference = compare(told, booked, None, None).difference_mxn or ZERO
        pairs.append(("charged, as the account says", f"{told.consumed_mxn:,} MXN"))
        pairs.append(("difference", "none" if difference == 0 else f"{difference:,} MXN; dailies settle looks into it"))
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
    shown = sorted(names)[-_SHOWN:]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def _write(file: BinaryIO, content: bytes) -> None:
    file.write(content)
