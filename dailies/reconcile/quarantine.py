"""Setting a damaged journal aside: what can be read of it goes into the ledger, what cannot is given up.

No crash damages a journal, because segments are written whole; a disk, a partial copy or a person does. A damaged
journal blocks every claim: what its rows may still cost is unknown. Only a person can decide to give that up.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from dailies.errors import JournalDamagedError, LedgerError, RefusedError
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal import ENTRY, Drafts, JournalState, apply, is_live, journal_paths, replay, start
from dailies.pricing import ZERO
from dailies.system.durable import make_folders, sync_folder

DAMAGED = "journal_damaged"
_JOB_ID = re.compile(r'"job_id":"([^"]+)"')
_SUFFIXES = 1000


@dataclass(frozen=True, slots=True)
class Quarantine:
    """What was done with a damaged journal.

    Attributes:
        batch_id: its batch.
        place: where it lies now.
        reason: what was damaged.
        kept: the entries that could be read; they are in the ledger now.
        doubtful: those of ``kept`` whose later records are lost: they are ``in_doubt``, since a job may have been
            ordered and charged.
        lost_job_ids: jobs that it names and that belong to no entry any more; only GeekHub's support can find them.
    """

    batch_id: str
    place: Path
    reason: str
    kept: tuple[LedgerEntry, ...]
    doubtful: tuple[LedgerEntry, ...]
    lost_job_ids: tuple[str, ...]

    @property
    def doubtful_mxn(self) -> Decimal:
        """The most that the doubtful rows may have cost, in MXN; it stays reserved."""
        return sum((entry.worst_mxn or ZERO for entry in self.doubtful), ZERO)


def damaged_journals(folder: LedgerFolder) -> dict[str, str]:
    """Return why journals cannot be read, by batch; changes nothing."""
    found = {}
    for path in journal_paths(folder.journals):
        try:
            replay(path)
        except FileNotFoundError:
            continue
        except JournalDamagedError as error:
            found[path.name] = str(error)
    return found


def quarantine_journal(folder: LedgerFolder, batch_id: str) -> Quarantine:
    """Put what can be read of a damaged journal into the ledger and move the journal to ``quarantine/``.

    Raises:
        RefusedError: there is no such journal, a run works on it, or it is sound; nothing was changed.
        LedgerError: the ledger cannot be read or written.
    """
    path = folder.journals / batch_id
    with folder.lock():
        reason = _require_damaged(folder, path)
        state = _salvage(path)
        entries = () if state is None else tuple(_as_known(entry) for entry in state.entries.values())
        folder.put(entries)
        doubtful = tuple(entry for entry in entries if entry.error_code == DAMAGED)
        job_ids = _job_ids(path) - {entry.job_id for entry in entries}
        place = _move(path, folder.path / "quarantine")
    return Quarantine(batch_id, place, reason, entries, doubtful, tuple(sorted(job_ids)))


def _require_damaged(folder: LedgerFolder, path: Path) -> str:
    if path not in journal_paths(folder.journals):
        damaged = ", ".join(damaged_journals(folder)) or "none"
        raise RefusedError(f"There is no journal of a batch {path.name}. Damaged are: {damaged}. Nothing was changed.")
    if is_live(path):
        raise RefusedError(f"A run works on batch {path.name}; stop that run first. Nothing was changed.")
    try:
        replay(path)
    except JournalDamagedError as error:
        return str(error)
    raise RefusedError(
        f"The journal of batch {path.name} is sound: the next run or `dailies settle` recovers it. Nothing was changed."
    )


def _salvage(path: Path) -> JournalState | None:
    """Return what can be read of a journal, None without a manifest."""
    records = _readable(path)
    try:
        state = start(next(records), path.name)
    except (StopIteration, ValueError, KeyError, TypeError):
        return None
    drafts: Drafts = {}
    for record in records:
        try:
            apply(record, state, drafts)
        except (ValueError, KeyError, TypeError):
            continue
    for key, draft in drafts.items():
        try:
            state.entries[key] = ENTRY.validate_python(draft)
        except ValueError:
            continue  # an attempt whose first record is lost
    return state


def _readable(path: Path) -> Iterator[dict[str, Any]]:
    for number, segment in enumerate(sorted(path.glob("[0-9]*.jsonl")), start=1):
        try:
            lines = segment.read_bytes().splitlines()
        except OSError:
            continue
        for line in lines:
            try:
                record = from_json(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield {**record, "segment": number}


def _as_known(entry: LedgerEntry) -> LedgerEntry:
    """Return an entry as far as it is known for certain: an ended job has ended, a job with an id can be polled."""
    ended = entry.status in (EntryStatus.COMPLETED, EntryStatus.FAILED, EntryStatus.ABANDONED, EntryStatus.REJECTED)
    if ended or (entry.status.has_job and entry.job_id is not None):
        return entry
    return replace(
        entry,
        status=EntryStatus.IN_DOUBT,
        job_id=None,
        polls=0,
        submitted_at=entry.submitted_at or entry.planned_at,
        error_code=DAMAGED,
        error="its journal was damaged: a job may have been ordered, and charged, that is not recorded",
    )


def _job_ids(path: Path) -> set[str]:
    found: set[str] = set()
    for segment in path.glob("*.jsonl"):
        try:
            found.update(_JOB_ID.findall(segment.read_text("utf-8", "replace")))
        except OSError:
            continue
    return found


def _move(path: Path, quarantine: Path) -> Path:
    """Move a journal aside, under a free name."""
    names = (path.name if number == 0 else f"{path.name}.{number}" for number in range(_SUFFIXES))
    place = next(quarantine / name for name in names if not (quarantine / name).exists())
    try:
        make_folders(quarantine)
        path.rename(place)
        sync_folder(quarantine)
        sync_folder(path.parent)
    except OSError as error:
        raise LedgerError(f"{path} cannot be moved to {quarantine}: {error.strerror}") from error
    return place
