"""What a batch has to do: the first record of its journal, written while the ledger is locked."""

from dataclasses import dataclass

from dailies.ledger.entry import LedgerEntry


@dataclass(frozen=True, slots=True)
class ClaimedRow:
    """One row that a batch has claimed.

    Attributes:
        entry: the attempt to go on with: a planned one, or an open one that a dead run left behind. Its request is
            sent as it stands here, whatever the CSV says now; its ``worst_mxn`` is the row's reservation.
        models: what may be tried, in order, beginning with the entry's own model.
    """

    entry: LedgerEntry
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """A batch's rows, in the order in which they are submitted, and the flow run that claimed them."""

    batch_id: str
    source: str
    flow_run_id: str | None
    rows: tuple[ClaimedRow, ...]

    @property
    def jobs(self) -> int:
        """How many of its rows have a job to collect, and nothing to submit."""
        return sum(row.entry.status.has_job for row in self.rows)
