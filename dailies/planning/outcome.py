"""How a file of prompts stands: the last entry of every row, and what it comes to. Pure but for ``read_outcome``."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from dailies.ledger.charges import FINDINGS
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.snapshot import LiveRow, read_rows
from dailies.planning.next_attempt import AttemptPolicy, last_word, remaining_models
from dailies.pricing import ZERO
from dailies.prompts.reader import PromptFile, PromptRow
from dailies.system.memory import many_objects


class Verdict(StrEnum):
    """What became of a file as a whole; the names of the final states in Prefect."""

    DONE = "Completed"
    PARTIAL = "Partial"
    OPEN = "Open"
    NOTHING = "Nothing to do"


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """One row of the file: its last entry (None if it was never claimed) and the run that works on it, if any."""

    row: PromptRow
    entry: LedgerEntry | None
    live: LiveRow | None
    finished: bool

    @property
    def status(self) -> EntryStatus | None:
        """The present status, None for a row that was never claimed."""
        return self.entry.status if self.entry else None

    @property
    def reason(self) -> str:
        """Why there is no video, in words; empty where there is one."""
        if self.live is not None:
            owner = self.live.entry.flow_run_id
            return f"another run is working on it ({f'flow run {owner}' if owner else f'batch {self.live.batch_id}'})"
        if self.entry is None:
            return "not claimed yet"
        return reason_of(self.entry)


_REASONS = {
    EntryStatus.COMPLETED: "",
    EntryStatus.PLANNED: "not submitted yet; the next run goes on",
    EntryStatus.IN_DOUBT: "sent, but the answer was lost; the next run sends it again with the same key",
    EntryStatus.PENDING: "submitted; the next run collects it",
    EntryStatus.PROCESSING: "still rendering; the next run collects it",
    EntryStatus.ABANDONED: "given up by hand",
}


def reason_of(entry: LedgerEntry) -> str:
    """Return why an entry has no video, in words; empty if it has one."""
    return entry.error or _REASONS.get(entry.status, entry.error_code or "no reason was reported")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Every row of a file as it stands, in the file's order."""

    prompts: PromptFile
    rows: tuple[RowOutcome, ...]

    def first(self, records: int | None) -> "Outcome":
        """Return the outcome of the file's first ``records`` records; None means all."""
        prompts = self.prompts.first(records)
        return Outcome(prompts, self.rows[: len(prompts.rows)])

    def entries(self) -> Iterator[LedgerEntry]:
        """Yield the last entry of every row that has one."""
        return (row.entry for row in self.rows if row.entry is not None)

    @property
    def completed(self) -> int:
        """Rows that have their video."""
        return sum(row.status is EntryStatus.COMPLETED for row in self.rows)

    @property
    def failed(self) -> tuple[RowOutcome, ...]:
        """Rows that ended without a video."""
        return tuple(row for row in self.rows if row.finished and row.status is not EntryStatus.COMPLETED)

    @property
    def open(self) -> int:
        """Rows that are neither completed nor failed for good."""
        return sum(not row.finished for row in self.rows)

    @property
    def charged_mxn(self) -> Decimal:
        """What the file's videos were charged, in MXN, as far as it is known."""
        return sum((entry.charged_mxn or ZERO for entry in self.entries()), ZERO)

    @property
    def unknown_charges(self) -> int:
        """Completed rows whose charge is not known."""
        return sum(entry.status is EntryStatus.COMPLETED and entry.charged_mxn is None for entry in self.entries())

    @property
    def lacks_fx(self) -> bool:
        """Whether an FX of a month would make an unknown charge known: no finding is the cause."""
        return any(
            entry.status is EntryStatus.COMPLETED and entry.charged_mxn is None and entry.error_code not in FINDINGS
            for entry in self.entries()
        )

    @property
    def statuses(self) -> Counter[str]:
        """Rows by status."""
        return Counter(str(row.status or "not claimed") for row in self.rows)

    @property
    def verdict(self) -> Verdict:
        """The file as a whole; what failed weighs less than what is still open."""
        if self.open:
            return Verdict.OPEN
        return Verdict.PARTIAL if self.failed or self.prompts.rejected else Verdict.DONE

    @property
    def exit_code(self) -> int:
        """0 done, 1 some failed, 3 some still open."""
        return {Verdict.OPEN: 3, Verdict.PARTIAL: 1}.get(self.verdict, 0)


@many_objects()
def read_outcome(folder: LedgerFolder, prompts: PromptFile, policy: AttemptPolicy) -> Outcome:
    """Read how a file stands, from the ledger and the journals; changes nothing."""
    known = read_rows(folder, (row.row_key for row in prompts.rows))
    return Outcome(
        prompts,
        tuple(
            _row(row, known.entries.get(row.row_key, []), known.live.get(row.row_key), policy) for row in prompts.rows
        ),
    )


def _row(row: PromptRow, entries: list[LedgerEntry], live: LiveRow | None, policy: AttemptPolicy) -> RowOutcome:
    last = last_word(entries) if entries else None
    return RowOutcome(row, last, live, live is None and not remaining_models(row, entries, policy))
