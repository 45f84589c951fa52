"""Runs one attempt: submit, then poll. This file fixes the order of side effects.

The intent is durable before the POST, the job id before the first poll, the first poll before its GET, and the
outcome before anything is published.
"""

import asyncio
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NoReturn

from dailies.errors import (
    BalanceEmptyError,
    JobFailedError,
    JobNotFoundError,
    JobPending,
    PaceError,
    RowRefusedError,
    ServiceError,
    TransportError,
)
from dailies.geekhub_client.job import Job, JobStatus, VideoRequest
from dailies.geekhub_client.responses import is_content_filter
from dailies.ledger.charges import FINDINGS, with_charge
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.identity import organisation_of
from dailies.ledger.journal_writer import Journal
from dailies.ledger.ordered_model import ordered_model
from dailies.pacing.poll_schedule import PollSchedule
from dailies.planning.next_attempt import JOB_FAILED
from dailies.run.context import RunContext
from dailies.run.findings import find_difference, find_oddity, with_reserve
from dailies.run.job_polls import JobPolls
from dailies.system.failpoints import Failpoint, reach

_CONFLICT = 409
_LONGEST_POLL_S = 1800.0
_NO_URL = "the service says that the video is done, but not where it is"


class Attempt:
    """One attempt at a row, at work: its entry as it stands, and the two steps that move it.

    Args:
        context: what the run shares.
        journal: where every step is noted before it counts.
        entry: a planned attempt, or one that an earlier run left open.
        is_last: whether no other attempt may follow, so that a failure ends the row.
    """

    def __init__(self, context: RunContext, journal: Journal, entry: LedgerEntry, *, is_last: bool) -> None:
        self.entry = entry
        self._context = context
        self._journal = journal
        self._is_last = is_last
        self._polls = entry.polls
        self._give_up_at = float("inf")
        self._born_at = entry.submitted_at
        self._job_polls: JobPolls | None = None

    @property
    def label(self) -> str:
        """What a person calls it: ``kling-2 · row 14 · take 1``."""
        model = ordered_model(self.entry).name
        again = f" · attempt {self.entry.attempt}" if self.entry.attempt > 1 else ""
        return f"{model} · row {self.entry.source_line} · take {self.entry.take}{again}"

    @property
    def tags(self) -> tuple[str, str]:
        """The provider and the model, by which a person finds its task runs."""
        return str(self.entry.provider), str(self.entry.model)

    async def submit(self) -> LedgerEntry:
        """Create the job. A cancelled caller leaves the request to be finished and journalled.

        Raises:
            RowRefusedError: this row can never succeed; journalled as failed.
            JobFailedError: the job failed at once; journalled as failed.
            ServiceError: no job, or the answer is unclear; the row stays planned, or in doubt.
            JournalError: the journal cannot be written.
        """
        request = asyncio.create_task(self._submit())
        self._context.answers.add(request)
        request.add_done_callback(self._context.answers.discard)
        request.add_done_callback(_retrieve)
        await asyncio.shield(request)
        return self.entry

    async def _submit(self) -> None:
        planned = self.entry
        if planned.status is EntryStatus.PLANNED and planned.usd_per_second is None:
            await self._refuse(f"{planned.model} was withdrawn from the catalogue: its price is unknown")
        sent_at = self.entry.submitted_at or self._context.now()
        tries = self.entry.submit_tries
        await self._put(
            status=EntryStatus.IN_DOUBT,
            submitted_at=sent_at,
            submit_tries=tries + 1,
            usd_per_second=self._known_price(),
            error_code=None,
            error=None,
        )
        reach(Failpoint.AFTER_INTENT)
        self._born_at = self._context.now()
        within_s = self._context.settings.give_up_after_s
        try:
            job = await self._context.client.create_video(
                _request(self.entry), self._idempotency_key, within_s=within_s
            )
            self._require_own_job(job.id)
        except ServiceError as error:
            doubtful = error.in_doubt or planned.status is EntryStatus.IN_DOUBT
            # After a doubtful request, 409 says that the key is known: its job exists.
            if isinstance(error, RowRefusedError) and not (doubtful and error.status == _CONFLICT):
                await self._put(final=True, status=EntryStatus.FAILED, error_code=error.code, error=str(error))
                raise
            before = self.entry if doubtful else replace(planned, submit_tries=self.entry.submit_tries)
            await self._write(replace(before, error_code=error.code, error=str(error)))
            raise
        reach(Failpoint.AFTER_ANSWER)
        known = replace(self.entry, job_id=job.id, submit_tries=tries + job.tries, error_code=None, error=None)
        if job.status is JobStatus.FAILED:
            await self._fail(known, job)
        await self._write(replace(self._checked(known, job), status=EntryStatus.PENDING))
        reach(Failpoint.AFTER_ID)

    def _known_price(self) -> Decimal | None:
        """Return the price in USD per second; None if a job, in doubt until now, may exist at another one."""
        today = ordered_model(self.entry).usd_per_second, self._context.settings.markup
        is_sure = self.entry.status is EntryStatus.PLANNED or today == (self.entry.usd_per_second, self.entry.markup)
        return self.entry.usd_per_second if is_sure else None

    def _require_own_job(self, job_id: str) -> None:
        """Refuse a job id that the service has given to another row: one job is charged once, and makes one video."""
        row_key, attempt = self._context.owner_of_job(job_id, self.entry)
        if (row_key, attempt) != self.entry.key:
            owner = f"attempt {attempt} of row {row_key}"
            raise TransportError(
                f"the service answers with job {job_id}, which belongs to {owner}", "repeated_job_id", in_doubt=True
            )

    def _checked(self, entry: LedgerEntry, job: Job) -> LedgerEntry:
        """Return the entry with the finding of an answer, if any, and a worst case that covers it."""
        now = self._context.now()
        if found := find_difference(entry, job, now) or find_oddity(job):
            entry = replace(entry, error_code=found[0], error=found[1])
        return with_reserve(entry, job, self._context.settings.tariff, now)

    async def _refuse(self, reason: str) -> NoReturn:
        await self._put(final=True, status=EntryStatus.FAILED, error_code="model_withdrawn", error=reason)
        raise RowRefusedError(reason, "model_withdrawn")

    def begin_polling(self) -> PollSchedule:
        """Compute the schedule of this job's polls; the time until the deadline counts from here."""
        self._job_polls = JobPolls(self._context, self.entry)
        schedule = self._job_polls.schedule(self._age_s)
        self._give_up_at = asyncio.get_running_loop().time() + schedule.deadline_s
        self._context.progress.see(self.entry)  # a job of an earlier run changes nothing until it ends
        return schedule

    async def poll(self) -> LedgerEntry:
        """Poll the job once.

        Returns:
            The completed entry; past the deadline, or when everything stops, the entry as it stands.

        Raises:
            JobPending: not done yet, or no clear answer.
            JobFailedError: it failed; journalled, and not charged.
            KeyRefusedError: 401.
            JournalError: the journal cannot be written.
        """
        job_polls = self._job_polls or JobPolls(self._context, self.entry)
        if not await self._has_turn(job_polls) or not self._context.stop.may_poll:
            return self.entry
        self._polls += 1
        if self.entry.status is EntryStatus.PROCESSING:
            self._journal.require_ours()  # the first poll is fenced by its record, later ones by this
        else:
            await self._put(status=EntryStatus.PROCESSING, polls=self._polls)
        reach(Failpoint.BEFORE_POLL)
        reason, asked_at_s = "still rendering", self._age_s
        try:
            job = await self._context.client.get_video(self.entry.job_id or "", within_s=self._left_s)
        except BalanceEmptyError as error:
            self._context.stop.submits(error)
            reason = str(error)
        except (TransportError, JobNotFoundError, PaceError, RowRefusedError) as error:
            reason = str(error)
            if self._is_late or not isinstance(error, TransportError | PaceError):
                await self._remember(replace(self.entry, error_code=error.code, error=_poll_answer(error)))
        else:
            reach(Failpoint.AFTER_POLL)
            if job.status is JobStatus.FAILED:
                job_polls.saw_failed()
                await self._fail(replace(self.entry, not_done_at_s=job_polls.not_done_at_s), job)
            if job.status is JobStatus.COMPLETED and (job.video_url or self._is_late):
                job_polls.saw_done(self._age_s)
                return await self._complete(job, job_polls.not_done_at_s)
            job_polls.saw_early(asked_at_s)
            await self._remember(self._checked(replace(self.entry, error_code=None, error=None), job))
        if self._is_late:
            await self._put(polls=self._polls, not_done_at_s=job_polls.not_done_at_s)
            return self.entry
        raise JobPending(self.entry.job_id or "", reason)

    async def _has_turn(self, job_polls: JobPolls) -> bool:
        """Wait for a turn to poll; return whether it came before the job's deadline."""
        until = (
            None if self._give_up_at == float("inf") else self._give_up_at + self._context.settings.request_timeout_s
        )
        try:
            async with asyncio.timeout_at(until):
                await self._context.gate.poll_turn(job_polls.likely_done(self._age_s))
        except TimeoutError:
            return False
        return True

    async def _remember(self, entry: LedgerEntry) -> None:
        """Journal what a poll has shown of an unfinished job, where it is news to the ledger."""
        if (entry.error, entry.worst_mxn) != (self.entry.error, self.entry.worst_mxn):
            await self._write(replace(entry, polls=self._polls))

    @property
    def _left_s(self) -> float:
        """Seconds that one poll may take with its retries and pauses: until the job's deadline."""
        left_s = self._give_up_at - asyncio.get_running_loop().time()
        return min(max(left_s, self._context.settings.request_timeout_s), _LONGEST_POLL_S)

    @property
    def _age_s(self) -> float:
        now = self._context.now()
        return (now - (self._born_at or now)).total_seconds()

    @property
    def _is_late(self) -> bool:
        return asyncio.get_running_loop().time() >= self._give_up_at

    async def _complete(self, job: Job, not_done_at_s: float | None) -> LedgerEntry:
        now = self._context.now()
        entry = self._checked(replace(self.entry, error_code=None, error=None), job)
        completed_at = now if entry.error_code in FINDINGS else job.completed_at or now
        if entry.error_code is None and job.video_url is None:
            entry = replace(entry, error_code="no_video_url", error=_NO_URL)
        done = replace(
            entry,
            status=EntryStatus.COMPLETED,
            video_url=job.video_url,
            completed_at=completed_at,
            waited_s=_waited_s(entry, now),
            not_done_at_s=not_done_at_s,
            polls=self._polls,
        )
        await self._write(with_charge(done, self._context.settings.tariff, completed_at), final=True)
        reach(Failpoint.AFTER_OUTCOME)
        await self._check_organisation(organisation_of(job.video_url))
        return self.entry

    async def _check_organisation(self, organisation: str | None) -> None:
        folder = self._context.folder
        if organisation not in (None, folder.identity.organisation):  # once for each ledger
            await asyncio.to_thread(folder.require_organisation, organisation)

    async def _fail(self, entry: LedgerEntry, job: Job) -> NoReturn:
        reason = job.error or "the job failed without a reason"
        filtered = is_content_filter(reason)
        now = self._context.now()
        failed = replace(
            entry,
            status=EntryStatus.FAILED,
            error_code="content_filter" if filtered else JOB_FAILED,
            error=reason,
            completed_at=job.completed_at or now,
            waited_s=_waited_s(entry, now),
            polls=self._polls,
        )
        await self._write(failed, final=self._is_last or filtered)
        raise JobFailedError(job.id, reason)

    async def _put(self, *, final: bool = False, **changes: Any) -> None:
        await self._write(replace(self.entry, **changes), final=final)

    async def _write(self, entry: LedgerEntry, *, final: bool = False) -> None:
        await self._journal.put(entry, final=final)
        self.entry = entry
        self._context.progress.see(entry)

    @property
    def _idempotency_key(self) -> str:
        return f"{self._context.folder.identity.ledger_id}:{self.entry.row_key}:{self.entry.attempt}"


def _request(entry: LedgerEntry) -> VideoRequest:
    return VideoRequest(entry.model or "", entry.prompt or "", entry.duration_s or 0, entry.aspect_ratio or "")


def _poll_answer(error: ServiceError) -> str:
    answer = "no answer" if error.status is None else f"HTTP {error.status}"
    return f"the last poll got {answer}: {error}"


def _waited_s(entry: LedgerEntry, now: datetime) -> float:
    return max(0.0, (now - (entry.submitted_at or now)).total_seconds())


def _retrieve(task: "asyncio.Task[None]") -> None:
    if not task.cancelled():
        task.exception()
