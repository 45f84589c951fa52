"""Abandon: give attempts up by hand. They are never polled again, and their rows are free for a new attempt.

A job that was never polled was never charged. A job that was polled may have been charged by a poll whose answer was
lost: its charge stays unknown, and its worst case stays reserved in the months that could hold the charge. One last
poll before giving up finds out.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from dailies.errors import InputError, RefusedError, RowError
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal_fold import fold_dead
from dailies.ledger.journal_writer import create_journals
from dailies.ledger.manifest import ClaimedRow, cut_batches
from dailies.ledger.snapshot import Rows, read_rows
from dailies.prompts.reader import PromptFile
from dailies.reconcile.settle import POLL_ONCE, OpenJobs
from dailies.run.run_rows import run_claim
from dailies.settings import Settings

_SHORTEST_PREFIX = 6
_WHO = "abandon"
_WHY_NOT = {
    EntryStatus.COMPLETED: "it is completed",
    EntryStatus.FAILED: "it has failed already; `dailies run --retry-failed` tries it again",
    EntryStatus.ABANDONED: "it is given up already",
    EntryStatus.REJECTED: "it was never sent",
    EntryStatus.PLANNED: "it was never sent; leave its line out of the CSV",
}


@dataclass(frozen=True, slots=True)
class Abandoned:
    """The entries that were given up."""

    entries: tuple[LedgerEntry, ...]

    @property
    def perhaps_charged(self) -> tuple[LedgerEntry, ...]:
        """Those whose charge is unknown for good: their worst case stays reserved."""
        return tuple(entry for entry in self.entries if entry.reserved_mxn is not None)


def keys_of_lines(prompts: PromptFile, lines: Sequence[str]) -> list[str]:
    """Return the row keys of some lines of a file; a line that asked for several videos stands for all of them.

    Raises:
        InputError: a line has no row that could have been sent.
    """
    known: dict[str, list[str]] = defaultdict(list)
    for row in prompts.rows:
        known[str(row.source_line)].append(row.row_key)
    remedy = "name lines on which a row begins (the header is line 1)"
    wrong = tuple(
        RowError(prompts.source, None, None, f"no row begins on line {line}", remedy)
        for line in lines
        if line not in known
    )
    if wrong:
        raise InputError(wrong)
    return [key for line in lines for key in known[line]]


def abandon_rows(folder: LedgerFolder, names: Iterable[str], now: datetime) -> Abandoned:
    """Give up the last attempt of some rows: all of them or none.

    Args:
        folder: the ledger.
        names: row keys, or the beginnings of such.
        now: the present, which ends the time in which a polled job may have been charged.

    Raises:
        RefusedError: a row is unknown, not open, or another run works on it; nothing was changed.
        LedgerError: the ledger cannot be read or written.
    """
    with folder.lock():
        given_up = tuple(
            replace(
                entry,
                status=EntryStatus.ABANDONED,
                error_code="abandoned",
                error="given up by hand" + ("; a poll may have charged it" if entry.polls else ""),
                completed_at=now,
            )
            for entry in _open_attempts(folder, names)
        )
        folder.put(given_up)
    return Abandoned(given_up)


def open_attempts(folder: LedgerFolder, names: Iterable[str]) -> list[LedgerEntry]:
    """Return the attempts that would be given up; recovers interrupted runs first, and gives nothing up.

    Raises:
        RefusedError, LedgerError: as ``abandon_rows``.
    """
    with folder.lock():
        return _open_attempts(folder, names)


async def poll_before(settings: Settings, folder: LedgerFolder, names: Iterable[str]) -> list[LedgerEntry]:
    """Poll the jobs of some rows one last time, and return the entries of these rows afterwards.

    A job that is finished is completed and charged by this poll, as by any other.

    Raises:
        RefusedError, LedgerError: as ``abandon_rows``.
        AccountError: the service refuses the key.
    """
    with folder.lock():
        entries = _open_attempts(folder, names)
        rows = [ClaimedRow(entry, (entry.model or "",)) for entry in entries if entry.status.has_job]
        batches = cut_batches(rows, settings.batch_size, _WHO, _WHO, datetime.now(UTC))
        claimed = OpenJobs((), 0, batches, create_journals(folder, batches))
    stop = await run_claim(settings, folder, claimed, _WHO, POLL_ONCE)
    if isinstance(stop.reason, Exception):
        raise stop.reason
    present = {entry.key: entry for entry in folder.entries({entry.row_key for entry in entries})}
    return [present[entry.key] for entry in entries]


def _open_attempts(folder: LedgerFolder, names: Iterable[str]) -> list[LedgerEntry]:
    fold_dead(folder, by=_WHO)
    live = read_rows(folder, (), folded=True).live
    known = sorted({*folder.scan(["row_key"]).column("row_key").to_pylist(), *live})
    keys = list(dict.fromkeys(_find(name, known) for name in names))
    rows = read_rows(folder, keys, folded=True)
    return [_require_open(key, rows) for key in keys]


def _find(name: str, known: Sequence[str]) -> str:
    if len(name) < _SHORTEST_PREFIX:
        raise RefusedError(f"{name!r} is too short for a row's key: give at least {_SHORTEST_PREFIX} characters of it.")
    found = [key for key in known if key.startswith(name.lower())]
    if len(found) != 1:
        reason = f"{len(found)} rows begin with {name!r}: give more of the key" if found else f"no row is {name!r}"
        raise RefusedError(f"In this ledger {reason}. The results CSV has every row's key. Nothing was changed.")
    return found[0]


def _require_open(key: str, rows: Rows) -> LedgerEntry:
    if key in rows.live:
        raise RefusedError(
            f"Row {key} belongs to a run that is at work (batch {rows.live[key].batch_id}); stop that one first."
            " Nothing was changed."
        )
    entry = max(rows.entries[key], key=lambda entry: entry.attempt)
    if not entry.status.is_open:
        raise RefusedError(f"Row {key} cannot be given up: {_WHY_NOT[entry.status]}. Nothing was changed.")
    return entry
