"""The mirror's record: one Parquet file for each target beside the ledger, one row for each job.

::

    <ledger>/mirror/<target>.parquet     ``<target>`` is a hash of the target's address
    <ledger>/mirror/<target>.lock        held while a mirror copies to that target
"""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq

from dailies.errors import MirrorError
from dailies.ledger.parquet import read_file
from dailies.system.arrow_schema import Count, Flag, Instant, Seconds, Size, Text, Texts, schema_of
from dailies.system.durable import exclusive, replace_file

SCHEMA_VERSION = 1
_WAIT_S = 5.0


class CopyStatus(StrEnum):
    """The result of copying one video."""

    COPIED = "copied"
    SHORT = "short"
    MISSING = "missing"


Status = Annotated[CopyStatus, pa.string()]


@dataclass(frozen=True, slots=True, kw_only=True)
class MirroredVideo:
    """One finished job at one target; docs/mirror.md explains every column. None means unknown."""

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
    target_etag: Text | None = None
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
    """Return videos as an Arrow table with the record's schema."""
    rows = list(videos)
    arrays = [pa.array([getattr(row, column.name) for row in rows], type=column.type) for column in SCHEMA]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def from_table(table: pa.Table) -> list[MirroredVideo]:
    """Return the videos of a record's table."""
    known = [name for name in COLUMNS if name in table.column_names]  # an older version may have written fewer
    return [_video(row) for row in table.select(known).to_pylist()]


def _video(row: dict[str, Any]) -> MirroredVideo:
    return MirroredVideo(**row | {"status": CopyStatus(row["status"]), "problems": tuple(row["problems"])})


class MirrorRecord:
    """What earlier runs recorded of one target, by job id.

    Args:
        ledger: the ledger's folder.
        target: the target's full name.
    """

    def __init__(self, ledger: Path, target: str) -> None:
        stem = hashlib.sha256(target.encode()).hexdigest()[:16]
        self.path = ledger / "mirror" / f"{stem}.parquet"
        self.target = target
        self.videos: dict[str, MirroredVideo] = {}

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Read the record and keep other mirrors of this ledger from the target until the block ends.

        Raises:
            LedgerError: another process is copying to it.
            MirrorError: the record is damaged or cannot be written.
        """
        try:
            self.path.parent.mkdir(exist_ok=True)
        except OSError as error:
            raise MirrorError(f"{self.path.parent} cannot be written: {error.strerror}") from error
        with exclusive(self.path.with_suffix(".lock"), wait_s=_WAIT_S, who=f"the mirror to {self.target}"):
            for draft in self.path.parent.glob(f".{self.path.name}.*"):
                draft.unlink(missing_ok=True)
            self.videos = read_record(self.path)
            yield

    def save(self, fresh: Iterable[MirroredVideo]) -> None:
        """Add some videos and write the whole record, atomically.

        Raises:
            MirrorError: it cannot be written; the old one is still there.
        """
        added = {video.job_id: video for video in fresh}
        if not added:
            return
        self.videos |= added
        table = to_table(self.videos.values())
        try:
            replace_file(self.path, lambda file: pq.write_table(table, file, compression="zstd"))
        except OSError as error:
            raise MirrorError(f"{self.path} cannot be written: {error.strerror or error}") from error


def read_record(path: Path) -> dict[str, MirroredVideo]:
    """Return one target's record by job id, empty if there is none.

    Raises:
        MirrorError: the file is damaged, or of another schema version.
    """
    if not path.exists():
        return {}
    try:
        table = read_file(path)
    except (OSError, pa.ArrowException) as error:
        raise MirrorError(f"{path} cannot be read: {error}; remove it, and the next run checks every video") from error
    version = (table.schema.metadata or {}).get(b"dailies.mirror_schema_version", b"?").decode()
    if version != str(SCHEMA_VERSION):
        raise MirrorError(f"{path} has schema version {version}; this Dailies reads version {SCHEMA_VERSION}")
    return {video.job_id: video for video in from_table(table)}


def read_records(ledger: Path) -> list[MirroredVideo]:
    """Return everything that was mirrored from a ledger, to any target."""
    return [video for path in sorted((ledger / "mirror").glob("*.parquet")) for video in read_record(path).values()]
