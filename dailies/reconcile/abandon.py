"""Giving attempts up by hand: never polled again, so never charged, and their rows are free for a new attempt.

An attempt that was polled may have been charged in that poll: its charge stays unknown, its worst case reserved.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dailies.errors import InputError, RefusedError, RowError
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal_fold import fold_dead
from dailies.ledger.snapshot import Snapshot, read_rows, read_snapshot
from dailies.pricing import Tariff
from dailies.prompts.reader import PromptFile

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
    """What was given up: the entries, and those of them that may have been charged."""

    entries: tuple[LedgerEntry, ...]

    @property
    def perhaps_charged(self) -> tuple[LedgerEntry, ...]:
        """Those whose charge nobody will know: their worst case stays reserved."""
        return tuple(entry for entry in self.entries if entry.reserved_mxn is not None)


def keys_of_lines(prompts: PromptFile, lines: Sequence[str]) -> list[str]:
    """The row keys of some lines of a file; a line that asked for several videos stands for all of them.

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


def abandon_rows(folder: LedgerFolder, names: Iterable[str], tariff: Tariff, now: datetime) -> Abandoned:
    """Give up the last attempt of some rows: all of them or none.

    Args:
        folder: the ledger.
        names: row keys, or the beginnings of such.
        tariff: how GeekHub charges.
        now: the present.

    Raises:
        RefusedError: a row is not known, not open, or another run works on it; nothing was changed.
        LedgerError: the ledger cannot be read or written.
    """
    with folder.lock():
        fold_dead(folder, by=_WHO)
        at_work = read_rows(folder, (), folded=True).live
        known = sorted({*folder.scan(["row_key"]).column("row_key").to_pylist(), *at_work})
        keys = list(dict.fromkeys(_find(name, known) for name in names))
        books = read_snapshot(folder, keys, tariff, now, folded=True)
        given_up = tuple(_give_up(key, books) for key in keys)
        folder.put(given_up)
    return Abandoned(given_up)


def _find(name: str, known: Sequence[str]) -> str:
    if len(name) < _SHORTEST_PREFIX:
        raise RefusedError(f"{name!r} is too short for a row's key: give at least {_SHORTEST_PREFIX} characters of it.")
    found = [key for key in known if key.startswith(name.lower())]
    if len(found) != 1:
        reason = f"{len(found)} rows begin with {name!r}: give more of the key" if found else f"no row is {name!r}"
        raise RefusedError(f"In this ledger {reason}. The results CSV has every row's key. Nothing was changed.")
    return found[0]


def _give_up(key: str, books: Snapshot) -> LedgerEntry:
    if key in books.live:
        raise RefusedError(
            f"Row {key} belongs to a run that is at work (batch {books.live[key].batch_id}); stop that one first."
            " Nothing was changed."
        )
    entry = max(books.entries[key], key=lambda entry: entry.attempt)
    if not entry.status.is_open:
        raise RefusedError(f"Row {key} cannot be given up: {_WHY_NOT[entry.status]}. Nothing was changed.")
    return replace(entry, status=EntryStatus.ABANDONED, error_code="abandoned", error="given up by hand")
