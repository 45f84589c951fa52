"""How two versions of one entry merge: the one that has come further wins, never the one with the later clock.

So merging is idempotent, and its order does not matter.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from dailies.ledger.entry import LedgerEntry
from dailies.ledger.schema import COLUMNS


def merge(one: LedgerEntry, other: LedgerEntry) -> LedgerEntry:
    """Return the version of an entry that has come further.

    Equal statuses are decided by a known charge, then by what only grows (polls, tries), then by content, so that the
    order never matters.
    """
    assert one.key == other.key, "only versions of one entry can be merged"
    if one == other:
        return one
    far, further = sorted((_progress(one), _progress(other)))
    return max(one, other, key=_content if far == further else _progress)


def _progress(entry: LedgerEntry) -> tuple[Any, ...]:
    return entry.status.rank, entry.charged_mxn is not None, entry.polls, entry.submit_tries


def _content(entry: LedgerEntry) -> str:
    """Return the same text for the same content, whether it was just made or read from a file."""
    return repr([_canonical(getattr(entry, name)) for name in COLUMNS])


def _canonical(value: Any) -> Any:
    match value:
        case Decimal():
            return f"{value:.6f}"
        case datetime():
            return value.timestamp()
        case Mapping():
            return sorted(value.items())
        case _:
            return value


def merge_all(*versions: Iterable[LedgerEntry]) -> dict[tuple[str, int], LedgerEntry]:
    """Merge collections of entries; return them by (row_key, attempt), in the order in which they were first seen."""
    merged: dict[tuple[str, int], LedgerEntry] = {}
    for entries in versions:
        for entry in entries:
            known = merged.get(entry.key)
            merged[entry.key] = entry if known is None else merge(known, entry)
    return merged
