"""The write-ahead log of a batch: its format, and how to read, seal and remove it.

``journal/<batch>/000001.jsonl``, ``000002.jsonl``, ...: a segment is written whole and made visible exclusively, so it
is never torn. Its number is a fence: a process that seals a journal takes the next number, and an owner that finds its
number taken stops at once. Segment 1 is the manifest. Every process that works on the batch shares a ``flock`` on the
file ``lock``; while one holds it, the batch is live.
"""

import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import from_json

from dailies.errors import JournalDamagedError, JournalError
from dailies.ledger.entry import LedgerEntry
from dailies.ledger.manifest import Manifest, month_of_batch
from dailies.system.durable import FileLock, create_file, sync_folder
from dailies.system.failpoints import Failpoint, reach

ENTRY = TypeAdapter(LedgerEntry)
MANIFEST = TypeAdapter(Manifest)

_PROBES = 3
_SEGMENT = re.compile(r"(\d{6,})\.jsonl", re.ASCII)
_Key = tuple[str, int]
Drafts = dict[_Key, dict[str, Any]]
"""Changed entries in JSON form; each becomes an entry when all of its changes are known."""


@dataclass(slots=True)
class JournalState:
    """The content of a journal.

    Attributes:
        manifest: the batch's rows as they were claimed.
        entries: the latest version of every entry, by (row_key, attempt).
        finished: keys of rows that need nothing more.
        owner: the run that works on it; None before one does.
        sealed: whether another process ended it and took its rows over.
        segments: number of the last segment.
    """

    manifest: Manifest
    entries: dict[_Key, LedgerEntry]
    finished: set[str] = field(default_factory=set)
    owner: str | None = None
    sealed: bool = False
    segments: int = 0

    def latest(self) -> Iterator[LedgerEntry]:
        """Return the last attempt of every row, in the manifest's order."""
        last: dict[str, LedgerEntry] = {}
        for entry in self.entries.values():
            known = last.get(entry.row_key)
            if known is None or entry.attempt > known.attempt:
                last[entry.row_key] = entry
        return iter(last.values())


def journal_paths(journals: Path) -> list[Path]:
    """Return the journals in a ledger's journal folder, oldest first; anything else there is left alone."""
    return sorted(path for path in journals.iterdir() if month_of_batch(path.name) and path.is_dir())


def stray_paths(journals: Path) -> list[Path]:
    """Return what lies in the journal folder and is neither a journal nor an unfinished one."""
    known = {*journal_paths(journals), *journals.glob(".*.folded"), *journals.glob(".*.new")}
    return sorted(path for path in journals.iterdir() if path not in known)


def is_live(path: Path) -> bool:
    """Return whether a process holds this journal's lock, on any machine whose locks this one sees.

    A journal without a lock file is a copy, so it is not live: the file exists before the journal is visible.
    """
    lock = FileLock(path / "lock")
    for _ in range(_PROBES):
        if not lock.path.exists():
            return False
        if lock.try_acquire():
            lock.release()
            return False
        time.sleep(0.001)  # another process may be probing too, which takes a moment
    return True


def replay(path: Path) -> JournalState:
    """Read a journal from its first segment to its last.

    Raises:
        FileNotFoundError: another process has folded it.
        JournalDamagedError: it has no manifest, or a segment that cannot be read.
    """
    records = _read(path)
    try:
        state = start(next(records), path.name)
        drafts: Drafts = {}
        for record in records:
            apply(record, state, drafts)
        for key, draft in drafts.items():
            state.entries[key] = ENTRY.validate_python(draft)
    except (StopIteration, OSError, ValueError, KeyError, TypeError) as error:
        if not path.exists():
            raise FileNotFoundError(path) from error
        reason = "it has no manifest" if isinstance(error, StopIteration) else repr(error)
        raise JournalDamagedError(
            f"{path} is damaged ({reason}): restore it from a backup; without one, set it aside with"
            f" dailies ledger quarantine {path.name}"
        ) from error
    return state


def start(record: dict[str, Any], batch_id: str) -> JournalState:
    """Begin a journal's content with its first record.

    Raises:
        ValueError, KeyError: the record is no manifest of this batch.
    """
    kind = record.pop("kind")
    manifest = MANIFEST.validate_python(record)
    if (kind, manifest.batch_id) != ("manifest", batch_id):
        raise ValueError(f"its first record is no manifest of batch {batch_id}")
    return JournalState(manifest, {row.entry.key: row.entry for row in manifest.rows}, segments=1)


def apply(record: dict[str, Any], state: JournalState, drafts: Drafts) -> None:
    """Add one later record.

    Raises:
        KeyError, TypeError: the record is damaged.
    """
    state.segments = record["segment"]
    if record["kind"] == "owner":
        state.owner = record["who"]
    elif record["kind"] == "seal":
        state.sealed = True
    else:
        key = record["row_key"], record["attempt"]
        if key not in drafts:
            known = state.entries.get(key)
            drafts[key] = {} if known is None else ENTRY.dump_python(known, mode="json")
        drafts[key].update(record["changes"])
        if record["final"]:
            state.finished.add(record["row_key"])


def _read(path: Path) -> Iterator[dict[str, Any]]:
    """Read segments by number: a listing made while segments are added may leave some out."""
    number = 1
    while True:
        segment = path / segment_name(number)
        try:
            lines = segment.read_bytes().splitlines()
        except FileNotFoundError:
            if _last_segment(path) < number:
                return
            if not segment.exists():
                raise ValueError(f"segment {number} is missing") from None
            continue
        if not lines:
            raise ValueError(f"segment {number} is empty")
        for line in lines:
            yield {**from_json(line), "segment": number}
        number += 1


def _last_segment(path: Path) -> int:
    return max((int(found[1]) for one in path.iterdir() if (found := _SEGMENT.fullmatch(one.name))), default=0)


def seal(path: Path, by: str) -> JournalState:
    """End a journal for its owner and return its content.

    Raises:
        FileNotFoundError: another process has folded it.
        JournalDamagedError: it cannot be read.
        JournalError: it cannot be written.
    """
    while not (state := replay(path)).sealed:
        try:
            create_file(path / segment_name(state.segments + 1), line_of({"kind": "seal", "by": by}))
            # The seal has the next number, so nothing was written after what was read.
            state.segments, state.sealed = state.segments + 1, True
            break
        except FileExistsError:  # the owner has written a segment: read it too
            continue
        except FileNotFoundError:
            raise
        except OSError as error:
            raise unwritable(path.name, error) from error
    return state


def discard(path: Path) -> None:
    """Remove a journal whose entries are in the ledger: rename it, then delete it.

    Raises:
        JournalError: it cannot be renamed.
    """
    grave = path.with_name(f".{path.name}.folded")
    try:
        path.rename(grave)
        reach(Failpoint.AFTER_RENAME)
        sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path.name, error) from error
    shutil.rmtree(grave, ignore_errors=True)


def sweep(journals: Path) -> None:
    """Remove what a crash left behind: folded journals and unfinished drafts. Hold the ledger's lock."""
    for grave in journals.glob(".*.folded"):
        shutil.rmtree(grave, ignore_errors=True)
    for draft in journals.glob(".*.new"):
        shutil.rmtree(draft, ignore_errors=True)


def unwritable(batch_id: str, error: BaseException) -> JournalError:
    """Return the error of a journal that cannot be written."""
    reason = getattr(error, "strerror", None) or repr(error)
    return JournalError(f"the journal of batch {batch_id} cannot be written: {reason}")


def segment_name(number: int) -> str:
    """Return the file name of a segment."""
    return f"{number:06d}.jsonl"


def line_of(record: dict[str, Any]) -> bytes:
    """Return one record as a line of a segment."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
