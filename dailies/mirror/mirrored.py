"""The record's vocabulary: one row for each job at one target, and its Arrow schema."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import pyarrow as pa

from dailies.system.arrow_schema import Count, Flag, Instant, Seconds, Size, Text, Texts, schema_of

SCHEMA_VERSION = 1


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


SCHEMA = schema_of(MirroredVideo, {"dailies.mirror_schema_version": SCHEMA_VERSION})
COLUMNS = tuple(SCHEMA.names)


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
