"""The ledger's unit: the record of one attempt at one row."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import pyarrow as pa

from dailies.system.arrow_schema import Count, Flag, Instant, Labels, Money, Seconds, Size, Text


class EntryStatus(StrEnum):
    """How far an attempt has come, from the weakest status to the strongest: the stronger one wins a merge."""

    REJECTED = "rejected"
    PLANNED = "planned"
    IN_DOUBT = "in_doubt"
    PENDING = "pending"
    PROCESSING = "processing"
    ABANDONED = "abandoned"
    FAILED = "failed"
    COMPLETED = "completed"

    @property
    def rank(self) -> int:
        """Position in the order of declaration."""
        return _RANKS[self]

    @property
    def is_open(self) -> bool:
        """Whether a job exists, or may exist, that could still be charged."""
        return self in (EntryStatus.IN_DOUBT, EntryStatus.PENDING, EntryStatus.PROCESSING)

    @property
    def has_job(self) -> bool:
        """Whether the job's id is known and the job has not ended."""
        return self in (EntryStatus.PENDING, EntryStatus.PROCESSING)


_RANKS = {status: rank for rank, status in enumerate(EntryStatus)}


Status = Annotated[EntryStatus, pa.string()]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One attempt at one row. ``docs/output.md`` describes every column with its unit; None means unknown."""

    row_key: Text
    attempt: Count
    take: Count = 1
    prompt_id: Text | None = None
    source: Text
    source_line: Size
    source_path: Text | None = None
    batch_id: Text
    flow_run_id: Text | None = None

    prompt: Text | None = None
    provider: Text | None = None
    model: Text | None = None
    duration_s: Count | None = None
    aspect_ratio: Text | None = None
    audio: Flag | None = None
    metadata: Labels = field(default_factory=dict)

    job_id: Text | None = None
    status: Status = EntryStatus.PLANNED
    error_code: Text | None = None
    error: Text | None = None
    video_url: Text | None = None

    usd_per_second: Money | None = None
    markup: Money | None = None
    fx_mxn_per_usd: Money | None = None
    fx_source: Text | None = None
    worst_mxn: Money | None = None
    worst_usd: Money | None = None
    charged_mxn: Money | None = None
    charged_usd: Money | None = None

    planned_at: Instant | None = None
    submitted_at: Instant | None = None
    completed_at: Instant | None = None
    waited_s: Seconds | None = None
    not_done_at_s: Seconds | None = None
    polls: Count = 0
    submit_tries: Count = 0

    @property
    def key(self) -> tuple[str, int]:
        """The identity of an entry: the row and the attempt."""
        return self.row_key, self.attempt

    @property
    def reserved_mxn(self) -> Decimal | None:
        """What may still be charged, in MXN: the stored worst case of an open attempt, else None.

        A job that was given up after its first poll may have been charged by that poll.
        """
        given_up = self.status is EntryStatus.ABANDONED and self.polls > 0
        return self.worst_mxn if self.status.is_open or given_up else None
