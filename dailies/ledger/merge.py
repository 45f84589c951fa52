"""The ledger's vocabulary: one entry for each attempt at a row, its Arrow schema, and how two versions merge.

Merging goes by how far an entry has come, never by a clock, so it is idempotent and free of order.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pyarrow as pa

from dailies.system.arrow import column_values

SCHEMA_VERSION = 1


class EntryStatus(StrEnum):
    """How far an attempt has come; declared from the weakest to the strongest, which is how entries merge."""

    REJECTED = "rejected"
    PLANNED = "planned"
    IN_DOUBT = "in_doubt"
    PENDING = "pending"
    PROCESSING = "processing"
    ABANDONED = "abandoned"
    FAILED = "failed"
    COMPLETED = "completed"

    @property
    def rank(self) -> int:
        """Position in the order of declaration."""
        return _RANKS[self]

    @property
    def is_open(self) -> bool:
        """A job exists, or may exist, that could still be charged."""
        return self in (EntryStatus.IN_DOUBT, EntryStatus.PENDING, EntryStatus.PROCESSING)

    @property
    def has_job(self) -> bool:
        """A job's id is known and it has not ended."""
        return self in (EntryStatus.PENDING, EntryStatus.PROCESSING)


_RANKS = {status: rank for rank, status in enumerate(EntryStatus)}

Text = Annotated[str, pa.string()]
Flag = Annotated[bool, pa.bool_()]
Count = Annotated[int, pa.int32()]
Line = Annotated[int, pa.int64()]
Seconds = Annotated[float, pa.float64()]
Money = Annotated[Decimal, pa.decimal128(18, 6)]
Instant = Annotated[datetime, pa.timestamp("us", tz="UTC")]
Labels = Annotated[Mapping[str, str], pa.map_(pa.string(), pa.string())]
Status = Annotated[EntryStatus, pa.string()]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One attempt at one row. ``docs/output.md`` tells every column with its unit; None means unknown."""

    row_key: Text
    attempt: Count
    take: Count = 1
    prompt_id: Text | None = None
    source: Text
    source_line: Line
    batch_id: Text
    flow_run_id: Text | None = None

    prompt: Text | None = None
    provider: Text | None = None
    model: Text | None = None
    duration_s: Count | None = None
    aspect_ratio: Text | None = None
    audio: Flag | None = None
    metadata: Labels = field(default_factory=dict)

    job_id: Text | None = None
    status: Status = EntryStatus.PLANNED
    error_code: Text | None = None
    error: Text | None = None
    video_url: Text | None = None

    usd_per_second: Money | None = None
    markup: Money | None = None
    fx_mxn_per_usd: Money | None = None
    fx_source: Text | None = None
    worst_mxn: Money | None = None
    charged_mxn: Money | None = None
    charged_usd: Money | None = None

    planned_at: Instant | None = None
    submitted_at: Instant | None = None
    completed_at: Instant | None = None
    waited_s: Seconds | None = None
    not_done_at_s: Seconds | None = None
    polls: Count = 0
    submit_tries: Count = 0

    @property
    def key(self) -> tuple[str, int]:
        """What makes an entry itself: the row and the attempt."""
        return self.row_key, self.attempt

    @property
    def reserved_mxn(self) -> Decimal | None:
        """What may still be charged for it, in MXN: its worst case while it is open, else None.

        A job that was given up after its first poll may have been charged in that poll.
        """
        given_up = self.status is EntryStatus.ABANDONED and self.polls > 0
        return self.worst_mxn if self.status.is_open or given_up else None


def _arrow_field(name: str, hint: Any) -> pa.Field:
    nullable = get_origin(hint) is not Annotated
    annotated = next(part for part in get_args(hint) if get_origin(part) is Annotated) if nullable else hint
    return pa.field(name, annotated.__metadata__[0], nullable=nullable)


COLUMNS = tuple(f.name for f in fields(LedgerEntry))
SCHEMA = pa.schema(
    [_arrow_field(name, hint) for name, hint in get_type_hints(LedgerEntry, include_extras=True).items()],
    metadata={"dailies.schema_version": str(SCHEMA_VERSION)},
)


def merge(one: LedgerEntry, other: LedgerEntry) -> LedgerEntry:
    """The further one of two versions of the same entry.

    Equal ranks go by a known charge, then by what only grows (polls, tries) and at last by content, so that the
    order never matters.
    """
    assert one.key == other.key, "only versions of one entry can be merged"
    if one == other:
        return one
    far, further = sorted((_progress(one), _progress(other)))
    return max(one, other, key=_content if far == further else _progress)


def _progress(entry: LedgerEntry) -> tuple[Any, ...]:
    return entry.status.rank, entry.charged_mxn is not None, entry.polls, entry.submit_tries


def _content(entry: LedgerEntry) -> str:
    """The same text for the same content, no matter whether it was just made or read from a file."""
    return repr([_canonical(getattr(entry, name)) for name in COLUMNS])


def _canonical(value: Any) -> Any:
    match value:
        case Decimal():
            return f"{value:.6f}"
        case datetime():
            return value.timestamp()
        case Mapping():
            return sorted(value.items())
        case _:
            return value


def merge_all(*versions: Iterable[LedgerEntry]) -> dict[tuple[str, int], LedgerEntry]:
    """Merge any number of collections of entries; the result by (row_key, attempt), first seen first."""
    merged: dict[tuple[str, int], LedgerEntry] = {}
    for entries in versions:
        for entry in entries:
            known = merged.get(entry.key)
            merged[entry.key] = entry if known is None else merge(known, entry)
    return merged


def to_table(entries: Iterable[LedgerEntry]) -> pa.Table:
    """Entries as an Arrow table with the ledger's schema."""
    rows = list(entries)
    arrays = [pa.array(_cells(rows, f), type=f.type) for f in SCHEMA]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _cells(rows: list[LedgerEntry], column: pa.Field) -> list[Any]:
    if pa.types.is_map(column.type):
        return [list(getattr(row, column.name).items()) for row in rows]
    return [getattr(row, column.name) for row in rows]


def from_table(table: pa.Table) -> list[LedgerEntry]:
    """The entries of a table with the ledger's columns; others are ignored, missing ones take the entry's defaults.

    Entries are filled column by column, past the constructor: that takes a quarter of the time, and there are many.
    """
    entries = [object.__new__(LedgerEntry) for _ in range(table.num_rows)]
    for name in COLUMNS:
        known = name in table.column_names
        values: list[Any] = column_values(table.column(name)) if known else [_DEFAULTS.get(name)] * table.num_rows
        if name == "status":
            values = [_STATUSES[value] for value in values]
        deque(map(getattr(LedgerEntry, name).__set__, entries, values), maxlen=0)
    return entries


_STATUSES = {status.value: status for status in EntryStatus}
_DEFAULTS: dict[str, Any] = {"take": 1, "polls": 0, "submit_tries": 0, "metadata": MappingProxyType({})}
