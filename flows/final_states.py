"""The final states of runs in Prefect, with the counts in the message."""

from collections.abc import Iterable
from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed, Crashed, Failed

from dailies.errors import DailiesError, FencedError
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.planning.claim import Claim
from dailies.planning.outcome import Outcome, Verdict
from dailies.run.stop import Stop, StopCause

SUPERSEDED = "Superseded"


def final_state(stop: Stop, claim: Claim, outcome: Outcome, max_failed_ratio: float) -> State[Any]:
    """Return Failed, Cancelled, or Completed under the name ``Partial``, ``Open`` or ``Nothing to do``."""
    message = closing_words(stop, outcome)
    stopped = _stopped(stop, message)
    if stopped and (outcome.open or stop.cause is StopCause.FAULT):  # else it came after the last row, in the report
        return stopped
    if _mostly_failed(claim, outcome, max_failed_ratio):
        return Failed(message=message)
    if not claim.batches and outcome.verdict is Verdict.DONE:
        return Completed(name=Verdict.NOTHING.value, message=message)
    return Completed(name=outcome.verdict.value, message=message)


def batch_state(stop: Stop, rows: int, entries: Iterable[LedgerEntry]) -> State[Any]:
    """Return the final state of one batch."""
    done = sum(entry.status is EntryStatus.COMPLETED for entry in entries)
    message = f"{_reason(stop)}{done} videos from {rows} rows"
    return _stopped(stop, message) or Completed(message=message)


def superseded(error: FencedError) -> State[Any]:
    """Return the state of a batch that another run owns: nothing was done here, and nothing is lost."""
    return Cancelled(name=SUPERSEDED, message=str(error))


def closing_words(stop: Stop, outcome: Outcome) -> str:
    """Say what stopped the run, what was made, what is open, and what to do next."""
    failed = len(outcome.failed) + len(outcome.prompts.rejected)
    counts = f"{outcome.completed} completed, {failed} failed, {outcome.open} open; {outcome.charged_mxn:,.2f} MXN"
    remedy = stop.reason.remedy if isinstance(stop.reason, DailiesError) else ""
    onward = f"{remedy[:1].upper()}{remedy[1:]}; the" if remedy else "The"
    return f"{_reason(stop)}{counts}." + (
        f" {onward} same command continues where this run ended." if outcome.open else ""
    )


def _reason(stop: Stop) -> str:
    return f"Stopped: {str(stop.reason).rstrip('.')}. " if stop.reason is not None else ""


def _stopped(stop: Stop, message: str) -> State[Any] | None:
    """Return the state of a run that was stopped; None for a run that ended by itself."""
    match stop.cause:
        case None:
            return None
        case StopCause.TERMINATED:
            return Crashed(message=message)
        case StopCause.REQUEST:
            return Cancelled(message=message)
        case StopCause.FAULT:
            return Failed(message=message)


def _mostly_failed(claim: Claim, outcome: Outcome, max_failed_ratio: float) -> bool:
    mine = {row.entry.row_key for batch in claim.batches for row in batch.rows}
    ended = [row for row in outcome.rows if row.row.row_key in mine and row.finished]
    failed = sum(row.status is not EntryStatus.COMPLETED for row in ended)
    return bool(failed) and (failed == len(ended) or failed > max_failed_ratio * len(mine))
