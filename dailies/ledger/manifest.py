"""A batch: its id, and its manifest, the first record of its journal."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from dailies.ledger.entry import LedgerEntry

# The UTC second of the batch's creation, which fixes its month, and eight random digits.
_BATCH = re.compile(r"(\d{4})(0[1-9]|1[0-2])\d\dT\d{6}-[0-9a-f]{8}", re.ASCII)


def new_batch_id(now: datetime) -> str:
    """Return the id of a batch that is created now."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"


def month_of_batch(batch_id: str) -> str | None:
    """Return the UTC month of a batch's creation, such as ``2026-11``; None if that is no batch id."""
    found = _BATCH.fullmatch(batch_id)
    return f"{found[1]}-{found[2]}" if found else None


@dataclass(frozen=True, slots=True)
class ClaimedRow:
    """One row that a batch has claimed.

    Attributes:
        entry: the attempt to continue: a planned one, or an open one of an interrupted run. Its request is sent as it
            stands here, whatever the CSV says now; its ``worst_mxn`` is the row's reservation.
        models: the models to try, in order, beginning with the entry's own.
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
        """The number of its rows that have a job to collect and nothing to submit."""
        return sum(row.entry.status.has_job for row in self.rows)


def cut_batches(
    rows: Sequence[ClaimedRow], size: int, source: str, flow_run_id: str | None, now: datetime, first_id: str = ""
) -> tuple[Manifest, ...]:
    """Cut claimed rows into batches of at most ``size``.

    A new attempt was planned with ``first_id``, the id of the first batch; it gets the id of the batch that makes it.
    An older one keeps the id of its own batch, whose file it stays in.
    """
    batches = []
    for start in range(0, len(rows), size):
        batch_id = first_id if first_id and start == 0 else new_batch_id(now)
        mine = tuple(
            replace(row, entry=replace(row.entry, batch_id=batch_id)) if row.entry.batch_id == first_id else row
            for row in rows[start : start + size]
        )
        batches.append(Manifest(batch_id, source, flow_run_id, mine))
    return tuple(batches)
