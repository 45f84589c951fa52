"""The ledger's folder: its identity, its lock, and its Parquet files, one for each batch.

::

    ledger.json                       the ledger's identity
    month=2026-11/<batch>.parquet     the entries of one batch
    journal/<batch>/000001.jsonl      batches that are not folded yet
    quarantine/<batch>/               damaged journals that a person has set aside
"""

import contextlib
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dailies.errors import LedgerError
from dailies.ledger import parquet
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.identity import Identity, read_identity, write_identity
from dailies.ledger.manifest import month_of_batch
from dailies.ledger.merge import merge_all
from dailies.ledger.schema import from_table
from dailies.naming import full_name, is_gone
from dailies.settings import Settings
from dailies.system.durable import FileLock, exclusive, make_folders
from dailies.system.failpoints import Failpoint, reach
from dailies.system.memory import give_back


def open_ledger(settings: Settings) -> "LedgerFolder":
    """Open the ledger of the settings' account, or make a new one.

    Raises:
        LedgerError: the folder cannot be written, or it is the ledger of another service.
    """
    return LedgerFolder.open(settings.ledger_path, settings.service)


class LedgerFolder:
    """One ledger on disk.

    A process that changes files holds ``lock()``. Reading needs no lock, because every file is replaced whole.
    """

    def __init__(self, path: Path, identity: Identity) -> None:
        self.path = path
        self.identity = identity
        self._lock: FileLock | None = None

    @classmethod
    def open(cls, path: Path, service: str, organisation: str | None = None) -> "LedgerFolder":
        """Open a ledger, or make a new one.

        Raises:
            LedgerError: the folder cannot be written, or it is the ledger of another service or organisation.
        """
        try:
            make_folders(path / "journal")
            with exclusive(path / ".lock", wait_s=60, who=f"the ledger {path}"):
                if not (path / "ledger.json").exists() and not _holds_batches(path):
                    write_identity(path, Identity(uuid.uuid4().hex, service))
        except OSError as error:
            raise LedgerError(
                f"the ledger's folder {path} cannot be written ({error.strerror}); choose another with DAILIES_DATA_DIR"
            ) from error
        folder = cls.read(path).require_service(service)
        folder.require_organisation(organisation)
        return folder

    @classmethod
    def read(cls, path: Path) -> "LedgerFolder":
        """Open a ledger, or a copy of one, to read it; nothing is written.

        Raises:
            LedgerError: there is no ledger, or it is of another version.
        """
        return cls(path, read_identity(path))

    def require_service(self, service: str) -> "LedgerFolder":
        """Return the folder itself if it is the ledger of that service.

        Raises:
            LedgerError: it is the ledger of the other service; live and sandbox never mix.
        """
        if self.identity.service != service:
            raise LedgerError(
                f"{self.path} is a ledger of the {self.identity.service} service, but the key is one of the {service}"
                " service; give each a separate folder (DAILIES_LEDGER_DIR)"
            )
        return self

    @contextlib.contextmanager
    def lock(self, wait_s: float = 120) -> Iterator[None]:
        """Hold the ledger's exclusive lock.

        Raises:
            LedgerError: another process held it for longer than ``wait_s`` seconds.
        """
        with exclusive(self.path / ".lock", wait_s=wait_s, who=f"the ledger {self.path}") as lock:
            self._lock = lock
            try:
                yield
            finally:
                self._lock = None

    def require_lock(self) -> None:
        """Make sure that the lock that is held still excludes other processes.

        Raises:
            LedgerError: its file was removed or replaced, so another process may be at work here too.
        """
        if self._lock is not None and not self._lock.is_held():
            raise LedgerError(
                f"{self._lock.path} was removed or replaced while this process held its lock, so another process may"
                " have changed the ledger. This one changed nothing more and ordered nothing; run it again, and leave"
                " that file where it is"
            )

    def require_organisation(self, organisation: str | None) -> None:
        """Record the organisation the first time, under the lock; refuse any other one later.

        Raises:
            LedgerError: this is the ledger of another organisation, or the organisation cannot be recorded.
        """
        if organisation is None or organisation == self.identity.organisation:
            return
        with self.lock():
            self.identity = read_identity(self.path)
            if self.identity.organisation is None:
                self.identity = replace(self.identity, organisation=organisation)
                write_identity(self.path, self.identity)
        if self.identity.organisation != organisation:
            raise LedgerError(
                f"{self.path} is the ledger of organisation {self.identity.organisation}, but this key belongs to"
                f" {organisation}; give each a separate folder (DAILIES_LEDGER_DIR)"
            )

    @property
    def journals(self) -> Path:
        """The folder of the journals."""
        return self.path / "journal"

    def batch_file(self, batch_id: str) -> Path:
        """Return the one file of a batch, in the month of its creation.

        Raises:
            LedgerError: that is no batch id.
        """
        month = month_of_batch(batch_id)
        if month is None:
            raise LedgerError(f"{batch_id!r} is not a batch id")
        return self.path / f"month={month}" / f"{batch_id}.parquet"

    def stamp(self) -> frozenset[tuple[str, int, int]]:
        """Return a mark of the files' present versions: it changes whenever one is added or replaced."""
        found = ((path.name, path.stat()) for path in self.files())
        return frozenset((name, stat.st_ino, stat.st_mtime_ns) for name, stat in found)

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever ordered here: no batch is in a journal, and every row was rejected or waits."""
        if any(self.journals.glob("[!.]*")):
            return False
        unsent = pa.array([EntryStatus.REJECTED.value, EntryStatus.PLANNED.value])
        return not len(self.scan(["row_key"], ~pc.field("status").isin(unsent)))

    def files(self) -> list[Path]:
        """Return every ledger file, oldest batch first."""
        return sorted(self.path.glob("month=*/[!.]*.parquet"), key=lambda path: path.name)

    def scan(self, columns: Sequence[str] | None = None, where: Any = None) -> pa.Table:
        """Read columns of the whole ledger as one Arrow table, filtered by an Arrow expression."""
        return parquet.scan(self.files(), columns, where)

    def entries(self, row_keys: Iterable[str] | None = None) -> list[LedgerEntry]:
        """Read all entries, or those of some rows."""
        where = None if row_keys is None else pc.field("row_key").isin(pa.array(list(row_keys), pa.string()))
        return list(self.find(where))

    def find(self, where: Any = None, columns: Sequence[str] | None = None) -> Iterator[LedgerEntry]:
        """Read the entries that an Arrow expression selects; columns that are left out take the entry's defaults."""
        for table in parquet.scan_groups(self.files(), columns, where):
            yield from from_table(table)
        give_back()

    def sweep(self) -> None:
        """Remove unfinished files that a crash has left. Hold the lock."""
        for draft in (*self.path.glob("month=*/.*.parquet.*"), *self.path.glob(".ledger.json.*")):
            draft.unlink(missing_ok=True)

    def put(self, entries: Iterable[LedgerEntry]) -> None:
        """Merge entries into the files of their batches. Hold the lock; doing it twice changes nothing.

        Raises:
            LedgerError: a file cannot be read or written, or the lock was lost.
        """
        by_batch: dict[str, list[LedgerEntry]] = defaultdict(list)
        for entry in entries:
            by_batch[entry.batch_id].append(entry)
        for batch_id, fresh in by_batch.items():
            known = self._entries_of(batch_id)
            merged = list(merge_all(known, fresh).values())
            if merged != known:
                self._write(batch_id, merged)

    def _entries_of(self, batch_id: str) -> list[LedgerEntry]:
        path = self.batch_file(batch_id)
        return parquet.read_entries(path) if path.exists() else []

    def _write(self, batch_id: str, entries: Iterable[LedgerEntry]) -> None:
        path = self.batch_file(batch_id)
        try:
            make_folders(path.parent)
        except OSError as error:
            raise LedgerError(f"{path.parent} cannot be made: {error.strerror}") from error
        self.require_lock()
        parquet.write_entries(path, entries)
        reach(Failpoint.AFTER_LEDGER_FILE)

    def put_rejected(self, source: str, entries: Iterable[LedgerEntry], last_line: int | None = None) -> None:
        """Replace the rejected rows of one source by those of this run, in one step. Hold the lock.

        A source keeps its rejected rows in the file of the batch that first recorded one, so one replacement removes
        the old ones and adds the new ones. A source is known by its full path; where the file of another path is gone,
        one of the same name takes its place (a clone that each run makes anew lies elsewhere each time).

        Args:
            source: the source as the user named it.
            entries: the rows that this run rejected.
            last_line: rows beyond it stay, because the source was read no further; None: it was read to its end.

        Raises:
            LedgerError: a file cannot be read or written, or the lock was lost.
        """
        source_path = full_name(source)
        fresh = [replace(entry, source_path=source_path) for entry in entries]
        known = self._rejected_of(source, source_path, last_line)
        if not fresh and not known:
            return
        home = min(known, default="") or fresh[0].batch_id
        stale = known.pop(home, set())
        kept = [entry for entry in self._entries_of(home) if entry.row_key not in stale]
        self._write(home, [*kept, *(replace(entry, batch_id=home) for entry in fresh)])
        for batch_id, keys in known.items():  # an earlier version spread them over several files
            self._write(batch_id, [entry for entry in self._entries_of(batch_id) if entry.row_key not in keys])

    def _rejected_of(self, source: str, source_path: str, last_line: int | None) -> dict[str, set[str]]:
        """Return the keys of a source's rejected rows by batch."""
        of_source = (pc.field("source") == source) | (pc.field("source_path") == source_path)
        mine = (pc.field("status") == EntryStatus.REJECTED.value) & of_source
        if last_line is not None:
            mine &= pc.field("source_line") <= last_line
        keys: dict[str, set[str]] = defaultdict(set)
        for row in self.scan(["row_key", "batch_id", "source_path"], mine).to_pylist():
            path = row["source_path"]
            if path in (None, source_path) or is_gone(path):
                keys[row["batch_id"]].add(row["row_key"])
        return dict(keys)


def _holds_batches(ledger: Path) -> bool:
    """Return whether a folder holds a ledger's batches: without its identity it is no new ledger, but a damaged one."""
    journals = (path.name for path in (ledger / "journal").iterdir())
    return any(ledger.glob("month=*")) or any(map(month_of_batch, journals))
