"""The mirror's record: one Parquet file for each target beside the ledger, one row for each job that was looked at.

::

    <ledger>/mirror/<target>.parquet     ``<target>`` is a hash of the target's address
    <ledger>/mirror/<target>.lock        held while somebody copies to that target
"""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dailies.errors import MirrorError
from dailies.ledger.parquet import read_file
from dailies.mirror.mirrored import SCHEMA_VERSION, MirroredVideo, from_table, to_table
from dailies.system.durable import exclusive, replace_file

_WAIT_S = 5.0


class MirrorRecord:
    """What is known of one target, by job id.

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
        """Read what is known, and be the only one that copies to this target until the block ends.

        Raises:
            LedgerError: somebody else is copying to it.
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
        """Add what was found out and write the whole record, atomically.

        Raises:
            MirrorError: it cannot be written; the old one is still there.
        """
        news = {video.job_id: video for video in fresh}
        if not news:
            return
        self.videos |= news
        table = to_table(self.videos.values())
        try:
            replace_file(self.path, lambda file: pq.write_table(table, file, compression="zstd"))
        except OSError as error:
            raise MirrorError(f"{self.path} cannot be written: {error.strerror or error}") from error


def read_record(path: Path) -> dict[str, MirroredVideo]:
    """One target's record by job id, empty if there is none.

    Raises:
        MirrorError: the file is no record of a version that is known.
    """
    if not path.exists():
        return {}
    try:
        table = read_file(path)
    except (OSError, pa.ArrowException) as error:
        raise MirrorError(
            f"{path} cannot be read: {error}; remove it, and the next run looks at every video"
        ) from error
    version = (table.schema.metadata or {}).get(b"dailies.mirror_schema_version", b"?").decode()
    if version != str(SCHEMA_VERSION):
        raise MirrorError(f"{path} has schema version {version}; this Dailies reads version {SCHEMA_VERSION}")
    return {video.job_id: video for video in from_table(table)}


def read_records(ledger: Path) -> list[MirroredVideo]:
    """Everything that was mirrored from a ledger, whatever the target."""
    return [video for path in sorted((ledger / "mirror").glob("*.parquet")) for video in read_record(path).values()]
