"""What the tests of a claim share: three rows, and what a claim or a folder holds."""

from pathlib import Path

from dailies.errors import RowError
from dailies.ledger.entry import EntryStatus
from dailies.ledger.folder import LedgerFolder
from dailies.planning.claim import Claim
from dailies.prompts.reader import RejectedRow
from tests.factories import (
    make_rows,
)

ROWS = make_rows("a", "b", "c")


def prompts_of(claim: Claim) -> list[str | None]:
    return [row.entry.prompt for batch in claim.batches for row in batch.rows]


def contents(folder: LedgerFolder) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}


def rejected_row(line: int, prompt: str = "") -> RejectedRow:
    error = RowError("prompts.csv", line, "prompt", "there is no prompt", "write one")
    return RejectedRow(f"rejected-{line}-{prompt}", "prompts.csv", line, (prompt,), (error,), None, prompt)


def noted_lines(folder: LedgerFolder) -> list[int]:
    return sorted(entry.source_line or 0 for entry in folder.entries() if entry.status is EntryStatus.REJECTED)
