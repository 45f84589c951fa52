"""The ledger's folder: whose books these are, its lock, and its Parquet files (one for each batch).

::

    ledger.json                       the ledger's identity
    month=2026-11/<batch>.parquet     finished books
    journal/<batch>/000001.jsonl      what is being written
"""

import contextlib
import json
import re
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dailies.errors import LedgerError
from dailies.ledger import parquet
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.merge import merge_all
from dailies.ledger.schema import SCHEMA_VERSION, from_table
from dailies.system.durable import exclusive, replace_file, sync_folder
from dailies.system.failpoints import Failpoint, reach
from dailies.system.memory import give_back

_BATCH = re.compile(r"(\d{4})(\d\d)\d\dT\d{6}-[0-9a-f]{8}")
_ORGANISATION = re.compile(r"/generated-videos/([0-9a-f-]{36})/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose books these are: a random id, live or sandbox, and GeekHub's organisation once it is known."""

    ledger_id: str
    service: str
    organisation: str | None = None
    schema_version: int = SCHEMA_VERSION


def new_batch_id(now: datetime) -> str:
    """A batch's id: the UTC second of its creation, which also fixes its month, and chance."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"


def organisation_of(video_url: str | None) -> str | None:
    """The organisation in a video's URL (page "Storage"), None where there is none."""
    found = _ORGANISATION.search(video_url or "")
    return found[1].lower() if found else None


class LedgerFolder:
    """One ledger on disk.

    Whatever changes files that others read is done while ``lock()`` is held; reading needs no lock, since every
    file is replaced whole.
    """

    def __init__(self, path: Path, identity: Identity) -> None:
        self.path = path
        self.identity = identity

    @classmethod
    def open(cls, path: Path, service: str) -> "LedgerFolder":
        """Open a ledger, or make a new one.

        Raises:
            LedgerError: the folder cannot be written, or keeps the books of another service.
        """
        try:
            (path / "journal").mkdir(parents=True, exist_ok=True)
            with exclusive(path / ".lock", wait_s=60, who=f"the ledger {path}"):
                if not (path / "ledger.json").exists() and not any(path.glob("month=*")):
                    _write_identity(path, Identity(uuid.uuid4().hex, service))
        except OSError as error:
            raise LedgerError(
                f"the ledger's folder {path} cannot be written ({error.strerror}); choose another by DAILIES_DATA_DIR"
            ) from error
        return cls(path, _read_identity(path)).require_service(service)

    def require_service(self, service: str) -> "LedgerFolder":
        """Itself, if it keeps the books of that service.

        Raises:
            LedgerError: live and sandbox never mix.
        """
        if self.identity.service != service:
            raise LedgerError(
                f"{self.path} is a ledger of the {self.identity.service} service, but the key is one of the {service}"
                " service; give each a folder of its own (DAILIES_LEDGER_DIR)"
            )
        return self

    @contextlib.contextmanager
    def lock(self, wait_s: float = 120) -> Iterator[None]:
        """The ledger's exclusive lock.

        Raises:
            LedgerError: somebody else held it for longer than ``wait_s`` seconds.
        """
        with exclusive(self.path / ".lock", wait_s=wait_s, who=f"the ledger {self.path}"):
            yield

    def require_organisation(self, organisation: str | None) -> None:
        """Note the organisation the first time, under the lock; refuse any other one later.

        Raises:
            LedgerError: these are the books of another organisation, or it cannot be noted.
        """
        if organisation is None or organisation == self.identity.organisation:
            return
        with self.lock():
            self.identity = _read_identity(self.path)
            if self.identity.organisation is None:
                self.identity = replace(self.identity, organisation=organisation)
                _write_identity(self.path, self.identity)
        if self.identity.organisation != organisation:
            raise LedgerError(
                f"{self.path} keeps the books of organisation {self.identity.organisation}, but this key belongs to"
                f" {organisation}; give each its own folder (DAILIES_LEDGER_DIR)"
            )

    @property
    def journals(self) -> Path:
        """The folder of the journals."""
        return self.path / "journal"

    def batch_file(self, batch_id: str) -> Path:
        """The one file of a batch, in the month of its creation.

        Raises:
            LedgerError: that is no batch id.
        """
        found = _BATCH.fullmatch(batch_id)
        if found is None:
            raise LedgerError(f"{batch_id!r} is not a batch id")
        return self.path / f"month={found[1]}-{found[2]}" / f"{batch_id}.parquet"

    def files(self) -> list[Path]:
        """Every ledger file, oldest batch first."""
        return sorted(self.path.glob("month=*/[!.]*.parquet"), key=lambda path: path.name)

    def scan(self, columns: Sequence[str] | None = None, where: Any = None) -> pa.Table:
        """Columns of the whole ledger as one Arrow table, filtered by an Arrow expression."""
        return parquet.scan(self.files(), columns, where)

    def entries(self, row_keys: Iterable[str] | None = None) -> list[LedgerEntry]:
        """All entries, or those of some rows."""
        where = None if row_keys is None else pc.field("row_key").isin(pa.array(list(row_keys), pa.string()))
        return list(self.find(where))

    def find(self, where: Any = None, columns: Sequence[str] | None = None) -> Iterator[LedgerEntry]:
        """The entries that an Arrow expression picks; columns that are left out take the entry's defaults."""
        for table in parquet.scan_groups(self.files(), columns, where):
            yield from from_table(table)
        give_back()

    def sweep(self) -> None:
        """Remove what a crash in the middle of a write has left. Hold the lock."""
        for draft in (*self.path.glob("month=*/.*.parquet.*"), *self.path.glob(".ledger.json.*")):
            draft.unlink(missing_ok=True)

    def put(self, entries: Iterable[LedgerEntry]) -> None:
        """Merge entries into the files of their batches. Hold the lock; doing it twice changes nothing.

        Raises:
            LedgerError: a file cannot be read or written.
        """
        by_batch: dict[str, list[LedgerEntry]] = defaultdict(list)
        for entry in entries:
            by_batch[entry.batch_id].append(entry)
        for batch_id, fresh in by_batch.items():
            path = self.batch_file(batch_id)
            self._make_month(path.parent)
            known = parquet.read_entries(path) if path.exists() else []
            merged = list(merge_all(known, fresh).values())
            if merged != known:
                parquet.write_entries(path, merged)
                reach(Failpoint.AFTER_LEDGER_FILE)

    def _make_month(self, month: Path) -> None:
        if not month.exists():
            try:
                month.mkdir(exist_ok=True)
                sync_folder(self.path)
            except OSError as error:
                raise LedgerError(f"{month} cannot be made: {error.strerror}") from error

    def put_rejected(self, source: str, entries: Iterable[LedgerEntry], last_line: int | None = None) -> None:
        """Put the rejected rows of one source in place of those that an earlier run noted. Hold the lock.

        What was noted beyond ``last_line`` stays: the source was read no further. None: it was read to its end.
        """
        mine = (pc.field("status") == EntryStatus.REJECTED.value) & (pc.field("source") == source)
        if last_line is not None:
            mine &= pc.field("source_line") <= last_line
        known = self.scan(["row_key", "batch_id"], mine).to_pylist()
        for batch_id in {row["batch_id"] for row in known}:
            keys = {row["row_key"] for row in known if row["batch_id"] == batch_id}
            path = self.batch_file(batch_id)
            parquet.write_entries(path, (entry for entry in parquet.read_entries(path) if entry.row_key not in keys))
        self.put(entries)


def _read_identity(path: Path) -> Identity:
    try:
        known = json.loads((path / "ledger.json").read_text("utf-8"))
        version = known["schema_version"]
        if version == SCHEMA_VERSION:
            return Identity(**known)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise LedgerError(f"{path / 'ledger.json'} is missing or damaged; restore it from a backup") from error
    raise LedgerError(f"{path} is a ledger of version {version}; this Dailies keeps version {SCHEMA_VERSION}")


def _write_identity(path: Path, identity: Identity) -> None:
    text = json.dumps(asdict(identity), indent=2) + "\n"
    try:
        replace_file(path / "ledger.json", lambda file: _write(file, text))
    except OSError as error:
        raise LedgerError(f"{path / 'ledger.json'} cannot be written: {error.strerror}") from error


def _write(file: Any, text: str) -> None:
    file.write(text.encode())
