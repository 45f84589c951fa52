"""Settle: recover interrupted runs, poll each open job once, compare ledger and account.

Nothing is submitted, so settling orders nothing: a poll of a finished job only collects what was ordered before.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from dailies.errors import JobPending
from dailies.ledger.charges import book_late
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal import is_live, journal_paths
from dailies.ledger.journal_fold import fold_dead
from dailies.ledger.journal_writer import create_journals
from dailies.ledger.manifest import ClaimedRow, Manifest, cut_batches
from dailies.ledger.snapshot import read_rows
from dailies.pacing.poll_schedule import PollSchedule
from dailies.reconcile.account import (
    AccountReport,
    Comparison,
    LastSettlement,
    LedgerTotals,
    add_up,
    ask_account,
    compare,
    read_last_settlement,
    write_last_settlement,
)
from dailies.run.attempt import Attempt
from dailies.run.run_rows import Steps, run_claim
from dailies.settings import Settings
from dailies.system.durable import FileLock

SOURCE = "settle"
_SEEN_FILE = "settled.json"
_TRIES = 3  # to find the ledger unchanged since before the account was asked
_READ = ("row_key", "attempt", "status", "charged_mxn", "worst_mxn", "polls")


@dataclass(frozen=True, slots=True)
class OpenJobs:
    """The ledger's open jobs that no run works on, claimed as a run claims rows.

    Attributes:
        folded: recovered batches of interrupted runs, now in the ledger.
        booked_late: charges that were unknown until now.
        batches: the jobs.
        locks: what keeps other processes away from them.
    """

    folded: tuple[str, ...]
    booked_late: int
    batches: tuple[Manifest, ...]
    locks: tuple[FileLock, ...]

    def release(self) -> None:
        """Release the claim."""
        for lock in self.locks:
            lock.release()


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a settlement did and found.

    Attributes:
        folded: recovered batches of interrupted runs.
        booked_late: videos of an earlier month whose charge is known now that the month's FX is.
        polled: open jobs that were polled, by their present status.
        open: attempts that are still open, by status.
        live: batches that other runs work on.
        booked: the ledger's totals.
        account: what the service reports.
        comparison: the two compared; None if other runs were at work, because the account changes meanwhile.
    """

    folded: tuple[str, ...]
    booked_late: int
    polled: Counter[EntryStatus]
    open: Counter[EntryStatus]
    live: int
    booked: LedgerTotals
    account: AccountReport
    comparison: Comparison | None

    @property
    def exit_code(self) -> int:
        """0 settled, 1 an unexplained difference, 3 something is still open or at work."""
        if self.comparison is None:
            return 3
        if not self.comparison.is_explained:
            return 1
        return 3 if self.open else 0


@dataclass(frozen=True, slots=True)
class _Reading:
    """The ledger's totals and statuses, read without its lock; ``stamp`` shows whether a file changed since."""

    stamp: frozenset[tuple[str, int, int]]
    totals: LedgerTotals
    polled: Counter[EntryStatus]
    open: Counter[EntryStatus]


async def _submit_nothing(attempt: Attempt) -> LedgerEntry:
    raise AssertionError(f"{attempt.label} has no job, and settling orders none")


async def poll_once(attempt: Attempt, _schedule: PollSchedule) -> LedgerEntry:
    """Poll a job once; one that is not done stays as it is."""
    try:
        return await attempt.poll()
    except JobPending:
        return attempt.entry


POLL_ONCE = Steps(_submit_nothing, poll_once)
"""The steps of a settlement, without Prefect."""


async def settle_ledger(
    settings: Settings, folder: LedgerFolder, who: str, *, credited_mxn: Decimal | None = None, steps: Steps = POLL_ONCE
) -> Settlement:
    """Recover, poll, compare.

    Args:
        settings: which account.
        folder: its ledger.
        who: the name that journals record for this process.
        credited_mxn: what was paid in since the last settlement, if a person says so.
        steps: how a job is polled.

    Raises:
        LedgerError: the ledger cannot be read or written.
        AccountError: the service refuses the key.
        TransportError: the service cannot be reached.
    """
    claimed = await asyncio.to_thread(claim_open_jobs, folder, settings, datetime.now(UTC), who)
    stop = await run_claim(settings, folder, claimed, who, steps)
    if isinstance(stop.reason, Exception):
        raise stop.reason
    keys = {row.entry.key for batch in claimed.batches for row in batch.rows}
    folded, live, comparison = claimed.folded, 0, None
    for _ in range(_TRIES):
        reading = await asyncio.to_thread(_read, folder, keys)
        account = await ask_account(settings)
        more, live, comparison = await asyncio.to_thread(_close, folder, who, reading, account, credited_mxn)
        folded += more
        if comparison is not None or live:
            break
    if comparison is None:
        reading = await asyncio.to_thread(_read, folder, keys)
    return Settlement(
        folded, claimed.booked_late, reading.polled, reading.open, live, reading.totals, account, comparison
    )


def claim_open_jobs(folder: LedgerFolder, settings: Settings, now: datetime, who: str) -> OpenJobs:
    """Recover interrupted runs, book charges whose FX is known by now, and claim every open job.

    Raises:
        LedgerError: the ledger cannot be read or written.
    """
    with folder.lock():
        folded = tuple(fold_dead(folder, by=who))
        booked_late = book_late(folder, settings.tariff)
        taken = read_rows(folder, (), folded=True).live
        statuses = pa.array([status.value for status in EntryStatus if status.has_job])
        jobs = [entry for entry in folder.find(pc.field("status").isin(statuses)) if entry.row_key not in taken]
        rows = [ClaimedRow(entry, (entry.model or "",)) for entry in jobs]
        batches = cut_batches(rows, settings.batch_size, SOURCE, who, now)
        return OpenJobs(folded, booked_late, batches, create_journals(folder, batches))


def _read(folder: LedgerFolder, keys: set[tuple[str, int]]) -> _Reading:
    stamp = folder.stamp()
    entries = list(folder.find(columns=_READ))
    polled = Counter(entry.status for entry in entries if entry.key in keys)
    still_open = Counter(entry.status for entry in entries if entry.status.is_open)
    return _Reading(stamp, add_up(entries), polled, still_open)


def _close(
    folder: LedgerFolder, who: str, reading: _Reading, account: AccountReport, credited: Decimal | None
) -> tuple[tuple[str, ...], int, Comparison | None]:
    """Recover runs that ended meanwhile, count live batches, and compare.

    Ledger and account are compared only if no file changed between the reading, which came before the account's answer,
    and now. The whole ledger is not read under the lock, because others wait for it.
    """
    with folder.lock():
        folded = tuple(fold_dead(folder, by=who))
        live = sum(is_live(path) for path in journal_paths(folder.journals))
        if live or folder.stamp() != reading.stamp:
            return folded, live, None
        return folded, live, _compare(folder, account, reading.totals, credited)


def _compare(
    folder: LedgerFolder, account: AccountReport, booked: LedgerTotals, credited: Decimal | None
) -> Comparison:
    """Compare, then record what was found for the next settlement."""
    seen = folder.path / _SEEN_FILE
    comparison = compare(account, booked, read_last_settlement(seen), credited)
    if account.balance_mxn is not None:
        now = datetime.now(UTC)
        write_last_settlement(
            seen, LastSettlement(now, account.balance_mxn, booked.charged_mxn, booked.charges, booked.unknown_mxn)
        )
    return comparison
