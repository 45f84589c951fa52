"""The write-ahead log of a running batch: ``journal/<batch>/000001.jsonl``, ``000002.jsonl``, ...

Each segment is written whole and made visible exclusively, so none is ever torn, and its number is a fence: who
seals a journal takes the next number, and an owner that finds its number taken stops at once. Segment 1 is the
manifest. A ``flock`` on the file ``lock``, shared by everybody who works on the batch, says that it is alive.
"""

import asyncio
import json
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import from_json

from dailies.errors import FencedError, JournalError, RefusedError
from dailies.ledger.entry import LedgerEntry
from dailies.ledger.manifest import Manifest
from dailies.system.durable import FileLock, allow_open_files, create_file, sync_folder
from dailies.system.failpoints import Failpoint, reach

_ENTRY = TypeAdapter(LedgerEntry)
_MANIFEST = TypeAdapter(Manifest)

_PROBES = 3
_FILES_OF_A_BATCH = 2  # its lock, held by the run and by whoever works on it

_WRITERS = ThreadPoolExecutor(8, thread_name_prefix="journal")
"""Apart from the loop's own threads: those may all be waiting for the ledger's lock, and no row must wait with them."""

_Key = tuple[str, int]


@dataclass(slots=True)
class JournalState:
    """What a journal says: its manifest, its entries as they stand, and how it stands itself.

    Attributes:
        manifest: the batch's rows as they were claimed.
        entries: the present version of every entry, by (row_key, attempt).
        finished: the row keys that need nothing more.
        owner: who works on it, None before somebody does.
        sealed: whether its rows were taken over.
        segments: the number of its last segment.
    """

    manifest: Manifest
    entries: dict[_Key, LedgerEntry]
    finished: set[str] = field(default_factory=set)
    owner: str | None = None
    sealed: bool = False
    segments: int = 0

    def latest(self) -> Iterator[LedgerEntry]:
        """The last attempt of every row, in the manifest's order."""
        last: dict[str, LedgerEntry] = {}
        for entry in self.entries.values():
            known = last.get(entry.row_key)
            if known is None or entry.attempt > known.attempt:
                last[entry.row_key] = entry
        return iter(last.values())


def create_journal(journals: Path, manifest: Manifest) -> FileLock:
    """Write a batch's manifest and take its lock; the journal appears at once and whole.

    Raises:
        JournalError: it could not be written.
    """
    draft = journals / f".{manifest.batch_id}.new"
    lock = FileLock(draft / "lock")
    try:
        draft.mkdir()
        lock.path.touch()
        taken = lock.try_acquire(shared=True)
        assert taken, "nobody else knows this file"
        create_file(draft / _segment(1), _line({"kind": "manifest", **_MANIFEST.dump_python(manifest, mode="json")}))
        reach(Failpoint.AFTER_DRAFT)
        draft.rename(journals / manifest.batch_id)
        sync_folder(journals)
    except OSError as error:
        lock.release()
        shutil.rmtree(draft, ignore_errors=True)
        raise _unwritable(manifest.batch_id, error) from error
    return lock


def create_journals(journals: Path, manifests: Sequence[Manifest]) -> tuple[FileLock, ...]:
    """Write the journals of several batches, all or none of them alive; their locks.

    Raises:
        RefusedError: the system does not allow a process as many open files as there are batches.
        JournalError: one could not be written; those before it are a dead run's now, with nothing sent.
    """
    if not allow_open_files(_FILES_OF_A_BATCH * len(manifests)):
        raise RefusedError(
            f"{len(manifests)} batches need more open files than this system allows a process (ulimit -n). Nothing was"
            " spent. Make the batches bigger with DAILIES_BATCH_SIZE, take the first rows with --limit, or raise the"
            " limit."
        )
    locks: list[FileLock] = []
    try:
        for manifest in manifests:
            locks.append(create_journal(journals, manifest))
            reach(Failpoint.AFTER_MANIFEST)
    except BaseException:
        for lock in locks:
            lock.release()
        raise
    return tuple(locks)


def journal_paths(journals: Path) -> list[Path]:
    """The journals in a ledger's journal folder, oldest first."""
    return sorted(path for path in journals.iterdir() if path.is_dir() and not path.name.startswith("."))


def is_live(path: Path) -> bool:
    """Whether somebody works on this journal on a machine whose locks are seen here.

    Without a lock file, as a copy may be, nobody can: it is there before the journal is.
    """
    lock = FileLock(path / "lock")
    for _ in range(_PROBES):
        if not lock.path.exists():
            return False
        if lock.try_acquire():
            lock.release()
            return False
        time.sleep(0.001)  # somebody else may be asking the same, which takes a moment only
    return True


def replay(path: Path) -> JournalState:
    """Read a journal from its first segment to its last.

    Raises:
        FileNotFoundError: it was folded meanwhile.
        JournalError: it has no manifest, or a segment that cannot be read.
    """
    records = _read(path)
    try:
        first = next(records)
        first.pop("kind")
        manifest = _MANIFEST.validate_python(first)
        state = JournalState(manifest, {row.entry.key: row.entry for row in manifest.rows}, segments=1)
        drafts: dict[_Key, dict[str, Any]] = {}
        for record in records:
            _apply(record, state, drafts)
        state.entries.update({key: _ENTRY.validate_python(draft) for key, draft in drafts.items()})
    except (StopIteration, ValueError, KeyError, TypeError) as error:
        if not path.exists():
            raise FileNotFoundError(path) from error
        raise JournalError(
            f"{path} is damaged ({error!r}): restore it from a backup; without one, docs/operations.md tells what to do"
        ) from error
    return state


def _apply(record: dict[str, Any], state: JournalState, drafts: dict[_Key, dict[str, Any]]) -> None:
    state.segments = record["segment"]
    if record["kind"] == "owner":
        state.owner = record["who"]
    elif record["kind"] == "seal":
        state.sealed = True
    else:
        key = record["row_key"], record["attempt"]
        if key not in drafts:
            known = state.entries.get(key)
            drafts[key] = {} if known is None else _ENTRY.dump_python(known, mode="json")
        drafts[key].update(record["changes"])
        if record["final"]:
            state.finished.add(record["row_key"])


def _read(path: Path) -> Iterator[dict[str, Any]]:
    """Read by number, not by listing: a listing that is made while segments are added may leave some out."""
    number = 1
    while True:
        segment = path / _segment(number)
        try:
            lines = segment.read_bytes().splitlines()
        except FileNotFoundError:
            if _last_segment(path) < number:
                return
            if not segment.exists():
                raise ValueError(f"segment {number} is missing") from None
            continue
        for line in lines:
            yield {**from_json(line), "segment": number}
        number += 1


def _last_segment(path: Path) -> int:
    return max((int(found.stem) for found in path.iterdir() if found.match("[0-9]*.jsonl")), default=0)


def seal(path: Path, by: str) -> JournalState:
    """End a journal for its owner, whoever that is, and read what it holds.

    Raises:
        FileNotFoundError: it was folded meanwhile.
        JournalError: it is damaged, or cannot be written.
    """
    while not (state := replay(path)).sealed:
        try:
            create_file(path / _segment(state.segments + 1), _line({"kind": "seal", "by": by}))
            # Nobody wrote between what was read and the seal: it has the next number.
            state.segments, state.sealed = state.segments + 1, True
            break
        except FileExistsError:  # the owner wrote meanwhile: read that, too
            continue
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _unwritable(path.name, error) from error
    return state


def discard(path: Path) -> None:
    """Remove a journal whose entries are in the ledger: first out of sight, then for good.

    Raises:
        JournalError: it cannot be removed.
    """
    grave = path.with_name(f".{path.name}.folded")
    try:
        path.rename(grave)
        reach(Failpoint.AFTER_RENAME)
        sync_folder(path.parent)
    except OSError as error:
        raise _unwritable(path.name, error) from error
    shutil.rmtree(grave, ignore_errors=True)


def sweep(journals: Path) -> None:
    """Remove what a crash left between a fold and its end. Hold the ledger's lock."""
    for grave in journals.glob(".*.folded"):
        shutil.rmtree(grave, ignore_errors=True)
    for draft in journals.glob(".*.new"):
        shutil.rmtree(draft, ignore_errors=True)


class Journal:
    """The owner's side of a journal: entries go in and are durable when ``put`` returns."""

    def __init__(self, path: Path, state: JournalState, lock: FileLock) -> None:
        self.path = path
        self.manifest = state.manifest
        self._entries = dict(state.entries)
        self._segments = state.segments
        self._lock = lock
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._fault: JournalError | None = None

    @classmethod
    def own(cls, path: Path, who: str) -> "Journal":
        """Become the owner of a batch that was claimed.

        Raises:
            FencedError: somebody else owns it, sealed it, or it was folded.
            JournalError: it cannot be written.
        """
        lock = FileLock(path / "lock")
        if not lock.try_acquire(shared=True):
            raise FencedError(f"batch {path.name} was taken over by another run")
        try:
            state = replay(path)
            if state.owner is not None or state.sealed:
                raise FencedError(f"batch {path.name} belongs to another run")
            create_file(path / _segment(state.segments + 1), _line({"kind": "owner", "who": who}))
        except (FileExistsError, FileNotFoundError) as error:
            lock.release()
            raise FencedError(f"batch {path.name} was taken over by another run") from error
        except OSError as error:
            lock.release()
            raise _unwritable(path.name, error) from error
        except BaseException:
            lock.release()
            raise
        reach(Failpoint.AFTER_OWNER)
        state.segments += 1
        return cls(path, state, lock)

    @property
    def fault(self) -> JournalError | None:
        """Why nothing more can be written, None while all is well."""
        return self._fault

    @property
    def entries(self) -> Iterable[LedgerEntry]:
        """Every entry as it stands, the manifest's and later attempts."""
        return self._entries.values()

    async def put(self, entry: LedgerEntry, *, final: bool = False) -> None:
        """Make a version of an entry durable. ``final``: its row needs nothing more.

        Those who come while a segment is being written share the next one, so waiting is short at any rate.

        Raises:
            FencedError: another run has taken this batch over.
            JournalError: it cannot be written (no space, a failed fsync); every later call raises it, too.
        """
        if self._fault is not None:
            raise self._fault
        durable = asyncio.get_running_loop().create_future()
        durable.add_done_callback(_retrieve)
        self._waiting.append((self._change(entry, final), durable))
        self._entries[entry.key] = entry
        self._writing()
        await asyncio.shield(durable)

    def _change(self, entry: LedgerEntry, final: bool) -> bytes:
        known = self._entries.get(entry.key)
        before = {} if known is None else _ENTRY.dump_python(known, mode="json")
        after = _ENTRY.dump_python(entry, mode="json")
        changes = {name: value for name, value in after.items() if known is None or value != before[name]}
        row = {"kind": "entry", "row_key": entry.row_key, "attempt": entry.attempt}
        return _line({**row, "final": final, "changes": changes})

    def _writing(self) -> "asyncio.Task[None]":
        # A task that is cancelled before its first step never runs, and so never says that it is done.
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_groups())
        return self._writer

    async def _write_groups(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                try:
                    await self._write(b"".join(line for line, _ in group))
                finally:
                    self._tell(group)
        finally:
            self._writer = None
            self._tell(self._waiting)  # there are some only if the writer was cancelled: nobody will write these
            self._waiting = []

    async def _write(self, content: bytes) -> None:
        if self._fault is not None:
            return
        try:
            place = self.path / _segment(self._segments + 1)
            await asyncio.get_running_loop().run_in_executor(_WRITERS, create_file, place, content)
            self._segments += 1
        except (FileExistsError, FileNotFoundError):
            self._fault = FencedError(f"batch {self.path.name} was taken over by another run; this one stops")
        except (OSError, RuntimeError) as error:  # RuntimeError: no thread can be had
            self._fault = _unwritable(self.path.name, error)
        except BaseException as error:  # nobody knows whether that segment is there now
            self._fault = _unwritable(self.path.name, error)
            raise

    def _tell(self, group: list[tuple[bytes, "asyncio.Future[None]"]]) -> None:
        for _, durable in group:
            if self._fault is None:
                durable.set_result(None)
            else:
                durable.set_exception(self._fault)

    async def settle(self) -> None:
        """Wait until everything that was put is written, or can never be."""
        while self._waiting or self._writer is not None:
            await asyncio.wait([self._writing()])

    def close(self) -> None:
        """Let go of the lock: the batch is no longer alive."""
        self._lock.release()


def _retrieve(durable: "asyncio.Future[None]") -> None:
    if not durable.cancelled():
        durable.exception()


def _unwritable(batch_id: str, error: BaseException) -> JournalError:
    reason = getattr(error, "strerror", None) or repr(error)
    return JournalError(f"the journal of batch {batch_id} cannot be written: {reason}")


def _segment(number: int) -> str:
    return f"{number:06d}.jsonl"


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
