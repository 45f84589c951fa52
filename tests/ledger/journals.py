"""What the tests of the journal share: a batch of three rows, and an owner in a process of its own."""

import errno
from dataclasses import replace
from pathlib import Path

from dailies.ledger.entry import EntryStatus, LedgerEntry
from tests.factories import make_entry
from tests.processes import Child

FENCED = 7
ROWS = tuple(make_entry(str(number), source_line=number + 2) for number in range(3))

OWNER = f"""
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from dailies.errors import FencedError
from dailies.ledger.journal_writer import Journal
from dailies.ledger.entry import EntryStatus

async def main():
    journal = Journal.own(Path(sys.argv[1]), "the child")
    rows = [row.entry for row in journal.manifest.rows]
    print("ready", flush=True)
    for number in range(1, 1_000_000):
        if sys.argv[2] == "on request" and not sys.stdin.readline():
            return
        row = rows[number % len(rows)]
        await journal.put(replace(row, status=EntryStatus.PROCESSING, polls=number))
        print(number, flush=True)

try:
    asyncio.run(main())
except FencedError:
    sys.exit({FENCED})
"""


def segments(path: Path) -> list[str]:
    return sorted(found.name for found in path.glob("*.jsonl"))


def no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def pending(entry: LedgerEntry) -> LedgerEntry:
    return replace(entry, status=EntryStatus.PENDING, job_id="job-1")


def heard_up_to(number: int, owner: Child) -> int:
    heard = 0
    while heard < number:
        line = owner.hear()
        heard = int(line) if line.isdecimal() else heard
    return heard
