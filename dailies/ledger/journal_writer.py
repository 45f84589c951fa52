"""Writing journals: a claim creates them, and the owner of each adds entries, by group commit.

The first entry that waits starts a write; entries that arrive meanwhile form the next segment. There is no timer.
"""

import asyncio
import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dailies.errors import FencedError, JournalError, RefusedError
from dailies.ledger.entry import LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal import ENTRY, MANIFEST, JournalState, line_of, replay, segment_name, unwritable
from dailies.ledger.manifest import Manifest
from dailies.system.durable import FileLock, allow_open_files, create_file, sync_folder
from dailies.system.failpoints import Failpoint, reach

_FILES_OF_A_BATCH = 2  # its lock file, opened by the run and by the batch's owner

_WRITERS = ThreadPoolExecutor(8, thread_name_prefix="journal")
"""Separate from the event loop's threads: those may all be waiting for the ledger's lock, and no row must wait."""


def create_journal(journals: Path, manifest: Manifest) -> FileLock:
    """Write a batch's manifest and take its lock; the journal becomes visible in one step.

    Raises:
        JournalError: it could not be written.
    """
    draft = journals / f".{manifest.batch_id}.new"
    lock = FileLock(draft / "lock")
    try:
        draft.mkdir()
        lock.path.touch()
        taken = lock.try_acquire(shared=True)
        assert taken, "no other process knows this file"
        create_file(
            draft / segment_name(1), line_of({"kind": "manifest", **MANIFEST.dump_python(manifest, mode="json")})
        )
        reach(Failpoint.AFTER_DRAFT)
        draft.rename(journals / manifest.batch_id)
        sync_folder(journals)
    except OSError as error:
        lock.release()
        shutil.rmtree(draft, ignore_errors=True)
        raise unwritable(manifest.batch_id, error) from error
    return lock


def create_journals(folder: LedgerFolder, manifests: Sequence[Manifest]) -> tuple[FileLock, ...]:
    """Write the journals of several batches and return their locks; on an error none of them stays live.

    Hold the ledger's lock. It is checked once more when the journals are visible: a process that got past a lost lock
    later than that sees them, and one that got past it earlier makes this claim end here.

    Raises:
        RefusedError: the system allows a process too few open files for so many batches.
        JournalError: one could not be written; the next run folds those before it, with nothing sent.
        LedgerError: the ledger's lock was lost; nothing was sent.
    """
    folder.require_lock()
    if not allow_open_files(_FILES_OF_A_BATCH * len(manifests)):
        raise RefusedError(
            f"{len(manifests)} batches need more open files than this system allows a process (ulimit -n). Nothing was"
            " spent. Make the batches bigger with DAILIES_BATCH_SIZE, take the first rows with --limit, or raise the"
            " limit."
        )
    locks: list[FileLock] = []
    try:
        for manifest in manifests:
            locks.append(create_journal(folder.journals, manifest))
            reach(Failpoint.AFTER_MANIFEST)
        folder.require_lock()
    except BaseException:
        for lock in locks:
            lock.release()
        raise
    return tuple(locks)


class Journal:
    """A journal as its owner sees it: an entry is durable when ``put`` returns."""

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
        """Become the owner of a claimed batch.

        Raises:
            FencedError: another run owns it, sealed it or folded it.
            JournalError: it cannot be written.
        """
        lock = FileLock(path / "lock")
        if not lock.try_acquire(shared=True):
            raise FencedError(f"batch {path.name} was taken over by another run")
        try:
            state = replay(path)
            if state.owner is not None or state.sealed:
                raise FencedError(f"batch {path.name} belongs to another run")
            create_file(path / segment_name(state.segments + 1), line_of({"kind": "owner", "who": who}))
        except (FileExistsError, FileNotFoundError) as error:
            lock.release()
            raise FencedError(f"batch {path.name} was taken over by another run") from error
        except OSError as error:
            lock.release()
            raise unwritable(path.name, error) from error
        except BaseException:
            lock.release()
            raise
        reach(Failpoint.AFTER_OWNER)
        state.segments += 1
        return cls(path, state, lock)

    @property
    def fault(self) -> JournalError | None:
        """Why nothing more can be written; None while writing works."""
        return self._fault

    @property
    def entries(self) -> Iterable[LedgerEntry]:
        """The latest version of every entry: the manifest's, and later attempts."""
        return self._entries.values()

    def require_ours(self) -> None:
        """Make sure, without writing, that no other process has ended this batch or folded it.

        Raises:
            FencedError: another run took this batch over, so its jobs must not be polled here any more.
            JournalError: an earlier write failed.
        """
        if self._fault is None and self._is_taken():
            self._fault = FencedError(f"batch {self.path.name} was taken over by another run; this one stops")
        if self._fault is not None:
            raise self._fault

    def _is_taken(self) -> bool:
        if not (self.path / segment_name(self._segments)).exists():
            return True
        # While a group is being written, the next number may be that group's own: then the write itself finds out.
        return self._writer is None and (self.path / segment_name(self._segments + 1)).exists()

    async def put(self, entry: LedgerEntry, *, final: bool = False) -> None:
        """Make a version of an entry durable. ``final``: its row needs nothing more.

        Entries that arrive while a segment is being written share the next one, so waiting stays short at any rate.

        Raises:
            FencedError: another run took this batch over.
            JournalError: it cannot be written (no space, a failed fsync); every later call raises the same error.
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
        before = {} if known is None else ENTRY.dump_python(known, mode="json")
        after = ENTRY.dump_python(entry, mode="json")
        changes = {name: value for name, value in after.items() if known is None or value != before[name]}
        row = {"kind": "entry", "row_key": entry.row_key, "attempt": entry.attempt}
        return line_of({**row, "final": final, "changes": changes})

    def _writing(self) -> "asyncio.Task[None]":
        # A task that is cancelled before its first step never runs, so it cannot reset this attribute itself.
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
                    self._release(group)
        finally:
            self._writer = None
            self._release(self._waiting)  # only where the writer was cancelled: these will not be written
            self._waiting = []

    async def _write(self, content: bytes) -> None:
        if self._fault is not None:
            return
        try:
            place = self.path / segment_name(self._segments + 1)
            await asyncio.get_running_loop().run_in_executor(_WRITERS, create_file, place, content)
            self._segments += 1
        except (FileExistsError, FileNotFoundError):
            self._fault = FencedError(f"batch {self.path.name} was taken over by another run; this one stops")
        except (OSError, RuntimeError) as error:  # RuntimeError: no thread can be had
            self._fault = unwritable(self.path.name, error)
        except BaseException as error:  # whether that segment exists is unknown
            self._fault = unwritable(self.path.name, error)
            raise

    def _release(self, group: list[tuple[bytes, "asyncio.Future[None]"]]) -> None:
        for _, durable in group:
            if self._fault is None:
                durable.set_result(None)
            else:
                durable.set_exception(self._fault)

    async def settle(self) -> None:
        """Wait until every entry is written or has failed."""
        while self._waiting or self._writer is not None:
            await asyncio.wait([self._writing()])

    def close(self) -> None:
        """Release the lock: the batch is no longer live."""
        self._lock.release()


def _retrieve(durable: "asyncio.Future[None]") -> None:
    if not durable.cancelled():
        durable.exception()
