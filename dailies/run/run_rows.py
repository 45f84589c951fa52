"""Runs the rows of a claim: batch by batch, all rows of a batch at once, and each row attempt by attempt."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, Protocol

from dailies.errors import (
    AccountError,
    BalanceEmptyError,
    JobFailedError,
    JobPending,
    LedgerError,
    PaceError,
    RowRefusedError,
    TransportError,
)
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal_fold import fold_batch
from dailies.ledger.journal_writer import Journal
from dailies.ledger.manifest import ClaimedRow, Manifest
from dailies.pacing.poll_schedule import PollSchedule
from dailies.planning.next_attempt import JOB_FAILED, following
from dailies.run.attempt import Attempt
from dailies.run.context import RunContext, open_run
from dailies.run.stop import Stop
from dailies.settings import Settings


@dataclass(frozen=True, slots=True)
class Steps:
    """The two steps of an attempt: Prefect tasks in a flow, plain functions elsewhere."""

    submit: Callable[[Attempt], Awaitable[LedgerEntry]]
    poll: Callable[[Attempt, PollSchedule], Awaitable[LedgerEntry]]


async def _submit(attempt: Attempt) -> LedgerEntry:
    return await attempt.submit()


async def _poll(attempt: Attempt, schedule: PollSchedule) -> LedgerEntry:
    for wait_s in islice(schedule.waits_s(), 1, None):  # the caller has waited before the first poll
        try:
            return await attempt.poll()
        except JobPending:
            await asyncio.sleep(wait_s)
    raise AssertionError("there is always another poll")


PLAIN_STEPS = Steps(_submit, _poll)
"""The steps without Prefect."""


class Claimed(Protocol):
    """Batches that belong to this run alone."""

    @property
    def batches(self) -> tuple[Manifest, ...]:
        """Their manifests, in order."""

    def release(self) -> None:
        """Release their locks."""


async def run_claim(
    settings: Settings,
    folder: LedgerFolder,
    claim: Claimed,
    who: str,
    steps: Steps = PLAIN_STEPS,
    *,
    stop: Stop | None = None,
) -> Stop:
    """Run every batch of a claim, release the claim, then fold the batches.

    Args:
        settings: the account, the pace and the deadlines.
        folder: the ledger.
        claim: the batches.
        who: the name of this run in the journals.
        steps: the steps of an attempt.
        stop: the flag that ends the run early.

    Returns:
        The stop flag: it says whether the run ended early, and why.

    Raises:
        SettingsError: there is no key.
        LedgerError: the history cannot be read, or a batch cannot be folded; its journal keeps everything.
        ExceptionGroup: defects, after every row has ended.
    """
    try:
        context = open_run(settings, folder, claim.batches, stop=stop, in_prefect=steps is not PLAIN_STEPS)
    except BaseException:
        claim.release()
        raise
    try:
        async with context.client:
            await _run_batches(context, claim.batches, who, steps)
    finally:
        claim.release()
        for manifest in claim.batches:
            fold_batch(folder, manifest.batch_id, who)
    return context.stop


async def _run_batches(context: RunContext, batches: Sequence[Manifest], who: str, steps: Steps) -> None:
    """Let one batch submit at a time; the batches before it may still be polling."""
    children: list[asyncio.Task[None]] = []
    try:
        for manifest in batches:
            if not context.stop.may_begin(manifest, sees_stop=True):
                continue
            children.append(asyncio.create_task(run_batch(context, manifest.batch_id, who, steps)))
            await context.submitted[manifest.batch_id].wait()
    except asyncio.CancelledError:
        for child in children:
            child.cancel()
        raise
    finally:
        outcomes = await asyncio.gather(*children, return_exceptions=True)
    _raise_defects(outcomes, "batches ended by a defect")


async def run_batch(context: RunContext, batch_id: str, who: str, steps: Steps) -> None:
    """Own one batch and run its rows; if the journal cannot be owned or written, the whole run stops.

    Raises:
        ExceptionGroup: defects, after every row has ended.
    """
    submitted = context.submitted[batch_id]
    try:
        journal = Journal.own(context.folder.journals / batch_id, who)
        try:
            await run_rows(context, journal, journal.manifest.rows, steps, submitted)
        finally:
            journal.close()
    except LedgerError as error:
        context.stop.everything(error)
    finally:
        submitted.set()


async def run_rows(
    context: RunContext, journal: Journal, rows: Sequence[ClaimedRow], steps: Steps, submitted: asyncio.Event
) -> None:
    """Run all rows of a batch at once, within the pace; end early when everything has to stop.

    ``submitted`` is set when no row of the batch waits for a turn to submit, so that the next batch can begin.

    Raises:
        ExceptionGroup: defects, after every other row has ended.
    """
    left = len(rows)

    def count_down() -> "Callable[[], None]":
        done = False

        def needs_no_turn() -> None:
            nonlocal done, left
            if not done:
                done, left = True, left - 1
            if left == 0:
                submitted.set()

        return needs_no_turn

    work = [asyncio.create_task(run_row(context, journal, row, steps, count_down())) for row in rows]
    stopped = asyncio.create_task(context.stop.wait())
    try:
        ends: list[asyncio.Future[Any]] = [asyncio.gather(*work, return_exceptions=True), stopped]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (stopped, *work):
            task.cancel()
        outcomes = await asyncio.gather(*work, return_exceptions=True)
        await context.finish_answers()
        await journal.settle()
        submitted.set()
    _raise_defects(outcomes, "rows ended by a defect")


async def run_row(
    context: RunContext, journal: Journal, row: ClaimedRow, steps: Steps, needs_no_turn: Callable[[], None]
) -> None:
    """Run one row as far as it goes: submit, poll, and try again after a failed job.

    Args:
        context: the state that the rows share.
        journal: the batch's journal.
        row: the claimed row.
        steps: the steps of an attempt.
        needs_no_turn: called when the row needs no further turn to submit.
    """
    entry = row.entry
    try:
        for model, same in groupby(enumerate(row.models), key=itemgetter(1)):
            async with context.slots.taken(model, needs_no_turn):
                for index, _ in same:
                    if index > 0:
                        entry = following(entry, model, markup=context.settings.markup, now=context.now())
                    attempt = Attempt(context, journal, entry, is_last=index == len(row.models) - 1)
                    entry = await _run_attempt(attempt, context, steps, needs_no_turn)
                    if entry.status is not EntryStatus.FAILED or entry.error_code != JOB_FAILED:
                        return
    except BalanceEmptyError as error:
        context.stop.submits(error)
    except (AccountError, LedgerError) as error:
        context.stop.everything(error)
    finally:
        needs_no_turn()


async def _run_attempt(
    attempt: Attempt, context: RunContext, steps: Steps, needs_no_turn: Callable[[], None]
) -> LedgerEntry:
    try:
        if not attempt.entry.status.has_job:
            if context.stop.may_submit:
                await context.gate.submit_turn()
            if not context.stop.may_submit:
                return attempt.entry
            await steps.submit(attempt)
        needs_no_turn()
        schedule = attempt.begin_polling()
        await asyncio.sleep(schedule.first_wait_s)
        await steps.poll(attempt, schedule)
    except (RowRefusedError, JobFailedError, JobPending, TransportError, PaceError):
        pass  # the attempt has journalled it: the entry says what happened
    return attempt.entry


def _raise_defects(outcomes: Sequence[object], message: str) -> None:
    defects = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    if defects:
        raise ExceptionGroup(message, defects)
