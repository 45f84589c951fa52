"""The record's vocabulary: one row for each job at one target, and its Arrow schema."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pyarrow as pa

SCHEMA_VERSION = 1

Text = Annotated[str, pa.string()]
Flag = Annotated[bool, pa.bool_()]
Count = Annotated[int, pa.int32()]
Size = Annotated[int, pa.int64()]
Seconds = Annotated[float, pa.float64()]
Instant = Annotated[datetime, pa.timestamp("us", tz="UTC")]
Texts = Annotated[tuple[str, ...], pa.list_(pa.string())]


class CopyStatus(StrEnum):
    """What became of one video."""

    COPIED = "copied"
    SHORT = "short"
    MISSING = "missing"


Status = Annotated[CopyStatus, pa.string()]


@dataclass(frozen=True, slots=True, kw_only=True)
class MirroredVideo:
    """One finished job at one target; docs/mirror.md tells every column. None means unknown."""

    job_id: Text
    target: Text
    status: Status
    name: Text
    address: Text | None = None
    row_key: Text
    attempt: Count
    video_url: Text | None = None
    problems: Texts = ()
    size: Size | None = None
    content_type: Text | None = None
    etag: Text | None = None
    md5: Text | None = None
    sha256: Text | None = None
    duration_s: Seconds | None = None
    width: Count | None = None
    height: Count | None = None
    has_audio: Flag | None = None
    decoded: Flag = False
    checked_at: Instant | None = None


def _arrow_field(name: str, hint: Any) -> pa.Field:
    nullable = get_origin(hint) is not Annotated
    annotated = next(part for part in get_args(hint) if get_origin(part) is Annotated) if nullable else hint
    return pa.field(name, annotated.__metadata__[0], nullable=nullable)


COLUMNS = tuple(f.name for f in fields(MirroredVideo))
SCHEMA = pa.schema(
    [_arrow_field(name, hint) for name, hint in get_type_hints(MirroredVideo, include_extras=True).items()],
    metadata={"dailies.mirror_schema_version": str(SCHEMA_VERSION)},
)


def to_table(videos: Iterable[MirroredVideo]) -> pa.Table:
    """Videos as an Arrow table with the record's schema."""
    rows = list(videos)
    arrays = [pa.array([getattr(row, column.name) for row in rows], type=column.type) for column in SCHEMA]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def from_table(table: pa.Table) -> list[MirroredVideo]:
    """The videos of a table that has the record's columns."""
    return [_video(row) for row in table.select(COLUMNS).to_pylist()]


def _video(row: dict[str, Any]) -> MirroredVideo:
    return MirroredVideo(**row | {"status": CopyStatus(row["status"]), "problems": tuple(row["problems"])})
