"""The state of the whole ledger: what is open, what this month was spent on, which runs are in progress. Reads only."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal import JournalState, is_live, journal_paths, replay
from dailies.ledger.merge import merge_all
from dailies.ledger.schema import from_table
from dailies.pricing import ZERO, Tariff
from dailies.report.totals import Total, by_metadata, by_model, group_by, sum_up

OPEN = (EntryStatus.PLANNED, *(status for status in EntryStatus if status.is_open))


@dataclass(frozen=True, slots=True)
class OpenSource:
    """The open rows of one CSV, and what they may still cost: jobs that exist or may exist, and rows never sent."""

    source: str
    statuses: Counter[str]
    possible_mxn: Decimal


@dataclass(frozen=True, slots=True)
class Run:
    """A journal that is not folded yet: of a live run, or of an interrupted one."""

    batch_id: str
    source: str
    flow_run_id: str | None
    is_live: bool
    rows: int
    finished: int


@dataclass(frozen=True, slots=True)
class LedgerStatus:
    """The ledger at one moment. ``by_metadata`` is by the name of the column, without ``meta.``."""

    month: str
    by_model: tuple[Total, ...]
    by_metadata: dict[str, tuple[Total, ...]]
    total: Total
    open: tuple[OpenSource, ...]
    runs: tuple[Run, ...]


def read_status(folder: LedgerFolder, tariff: Tariff, now: datetime) -> LedgerStatus:
    """Read journals and ledger, in this order.

    Raises:
        LedgerError: a file is damaged or of an unknown version.
    """
    journals = list(_journals(folder))
    journalled = (entry for _, state in journals for entry in state.entries.values())
    entries = merge_all(_open_or_recent(folder, tariff, now), journalled).values()
    month = tariff.month(now)
    bought = [entry for entry in entries if entry.status is EntryStatus.COMPLETED and _is_of(entry, month, tariff)]
    return LedgerStatus(
        month,
        by_model(bought),
        by_metadata(bought),
        sum_up("all", bought),
        _open(entries),
        tuple(_run(alive, state) for alive, state in journals),
    )


def _journals(folder: LedgerFolder) -> Iterator[tuple[bool, JournalState]]:
    for path in journal_paths(folder.journals):
        alive = is_live(path)
        try:
            state = replay(path)
        except FileNotFoundError:  # another process folded it: the ledger has it
            continue
        yield alive and not state.sealed, state


def _open_or_recent(folder: LedgerFolder, tariff: Tariff, now: datetime) -> list[LedgerEntry]:
    """Read what is open and what completed this month, without the prompts."""
    first = now.astimezone(tariff.zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    begin = pa.scalar(first, pa.timestamp("us", tz="UTC"))
    recent = (pc.field("status") == EntryStatus.COMPLETED.value) & (
        (pc.field("completed_at") >= begin) | pc.field("completed_at").is_null()
    )
    table = folder.scan(where=pc.field("status").isin(pa.array([status.value for status in OPEN])) | recent)
    blank = pa.nulls(table.num_rows, pa.string())
    return from_table(table.set_column(table.schema.get_field_index("prompt"), table.schema.field("prompt"), blank))


def _is_of(entry: LedgerEntry, month: str, tariff: Tariff) -> bool:
    return entry.completed_at is None or tariff.month(entry.completed_at) == month


def _open(entries: Iterable[LedgerEntry]) -> tuple[OpenSource, ...]:
    groups = group_by((entry for entry in entries if entry.status in OPEN), lambda entry: entry.source)
    return tuple(
        OpenSource(
            source,
            Counter(str(entry.status) for entry in group),
            sum((entry.reserved_mxn or ZERO for entry in group), ZERO),
        )
        for source, group in sorted(groups.items())
    )


def _run(alive: bool, state: JournalState) -> Run:
    manifest = state.manifest
    ended = {entry.row_key for entry in state.entries.values() if entry.status is EntryStatus.COMPLETED}
    finished = len(state.finished | ended)
    return Run(manifest.batch_id, manifest.source, manifest.flow_run_id, alive, len(manifest.rows), finished)
