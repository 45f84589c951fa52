"""What a row needs next, judged from its entries alone. Pure.

A row's models are tried in order: its own up to ``max_attempts`` times, then each of its fallback models once.
Only a failed job leads to another attempt; a request that was refused is not sent again. That is one round; a row
that ended it as failed gets another one only where it is asked for, and then that one, too, is gone through to its end.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from dailies.catalogue import load_catalogue, provider_of
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.prompts.reader import PromptRow

JOB_FAILED = "job_failed"


@dataclass(frozen=True, slots=True)
class AttemptPolicy:
    """Retry policy of a run.

    Attributes:
        max_attempts: jobs to try with a row's own model.
        retry_failed: whether rows that ended as failed get a new round.
        hold_in_doubt: whether a submit without an answer is left to a person.
    """

    max_attempts: int = 2
    retry_failed: bool = False
    hold_in_doubt: bool = False


def model_sequence(row: PromptRow, policy: AttemptPolicy) -> tuple[str, ...]:
    """Return every model that a row may be tried with, in order."""
    return (row.model,) * policy.max_attempts + row.fallback


def last_word(entries: Iterable[LedgerEntry]) -> LedgerEntry:
    """Return the entry that decides a row's status: the one that completed, even if others follow, else the last."""
    return max(entries, key=lambda entry: (entry.status is EntryStatus.COMPLETED, entry.attempt))


def remaining_models(row: PromptRow, entries: Sequence[LedgerEntry], policy: AttemptPolicy) -> tuple[str, ...]:
    """Return the models left to try, in order, an attempt that is still open first; empty for a finished row."""
    sequence = model_sequence(row, policy)
    if not entries:
        return sequence
    last = last_word(entries)
    failed, is_over = _place(entries, len(sequence))
    match last.status:
        case EntryStatus.COMPLETED:
            return ()
        case EntryStatus.FAILED:
            if is_over:
                return sequence if policy.retry_failed else ()
            return sequence[failed:]
        case EntryStatus.ABANDONED | EntryStatus.REJECTED:
            return sequence[failed:] or sequence
        case EntryStatus.PLANNED if last.model not in load_catalogue():  # withdrawn before anything was sent
            return sequence[failed:] or sequence
        case _:
            return (last.model or row.model, *sequence[failed + 1 :])


def _place(entries: Iterable[LedgerEntry], length: int) -> tuple[int, bool]:
    """Return how many attempts of the present round have failed, and whether that was its end.

    A new round begins in a new batch. What failed in the batch in which a round was over belongs to that round: it was
    a longer one, before the row lost a fallback or ``max_attempts`` was lowered.
    """
    failed, is_over, batch_id = 0, False, ""
    for entry in sorted(entries, key=lambda entry: entry.attempt):
        if is_over and entry.batch_id != batch_id:
            failed, is_over = 0, False
        batch_id = entry.batch_id
        if entry.status is EntryStatus.FAILED:
            failed += 1
            is_over = is_over or entry.error_code != JOB_FAILED or failed >= length
    return failed, is_over


def next_entry(
    row: PromptRow,
    entries: Sequence[LedgerEntry],
    model: str,
    *,
    batch_id: str,
    flow_run_id: str | None,
    now: datetime,
    worst_mxn: Decimal | None = None,
    worst_usd: Decimal | None = None,
    markup: Decimal | None = None,
) -> LedgerEntry:
    """Return the attempt to go on with: the one still open, or a new planned one with that model and price."""
    last = max(entries, key=lambda entry: entry.attempt, default=None)
    if last is not None and (last.status is EntryStatus.PLANNED or last.status.is_open):
        return last
    offer = load_catalogue()[model]
    return LedgerEntry(
        row_key=row.row_key,
        attempt=1 if last is None else last.attempt + 1,
        take=row.take,
        prompt_id=row.prompt_id,
        source=row.source,
        source_line=row.source_line,
        batch_id=batch_id,
        flow_run_id=flow_run_id,
        prompt=row.prompt,
        duration_s=row.duration_s,
        aspect_ratio=row.aspect_ratio,
        metadata=row.metadata,
        model=offer.id,
        provider=offer.provider,
        audio=offer.audio,
        usd_per_second=offer.usd_per_second,
        markup=markup,
        worst_mxn=worst_mxn,
        worst_usd=worst_usd,
        planned_at=now,
    )


def with_model(entry: LedgerEntry, model_id: str) -> LedgerEntry:
    """Return the entry as a request to that model; without a price if it was withdrawn, so that it is never sent."""
    model = load_catalogue().get(model_id)
    if model is None:
        return replace(entry, model=model_id, provider=provider_of(model_id), audio=None, usd_per_second=None)
    return replace(
        entry, model=model.id, provider=model.provider, audio=model.audio, usd_per_second=model.usd_per_second
    )


def following(entry: LedgerEntry, model: str, *, markup: Decimal, now: datetime) -> LedgerEntry:
    """Return the attempt after a failed one: the same request to the next model, planned, at today's price."""
    fresh = replace(
        entry,
        attempt=entry.attempt + 1,
        status=EntryStatus.PLANNED,
        job_id=None,
        error_code=None,
        error=None,
        markup=markup,
        planned_at=now,
        submitted_at=None,
        completed_at=None,
        waited_s=None,
        not_done_at_s=None,
        polls=0,
        submit_tries=0,
    )
    return with_model(fresh, model)
