"""Settling: what dead runs left is folded, open jobs are looked at once, the ledger is held against the account.

Nothing is submitted here, so settling orders nothing: a look at a finished job only collects what was ordered before.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from dailies.errors import JobPending
from dailies.geekhub_client.client import GeekHubClient
from dailies.ledger.charges import book_late
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder, new_batch_id
from dailies.ledger.journal import is_live, journal_paths
from dailies.ledger.journal_fold import fold_dead
from dailies.ledger.journal_writer import create_journals
from dailies.ledger.manifest import ClaimedRow, Manifest
from dailies.ledger.schema import from_table
from dailies.ledger.snapshot import read_rows
from dailies.pacing.poll_schedule import PollSchedule
from dailies.pricing import ZERO
from dailies.reconcile.account import (
    AccountReport,
    Comparison,
    LastSettlement,
    LedgerTotals,
    compare,
    read_last_settlement,
    write_last_settlement,
)
from dailies.run.attempt import Attempt, Steps
from dailies.run.context import open_claim
from dailies.run.direct import shoot_claim
from dailies.settings import Settings
from dailies.system.durable import FileLock

SOURCE = "settle"
_SEEN_FILE = "settled.json"
_TRIES = 3  # to find the books as they were before the account was asked
_SUMMED = ("status", "charged_mxn", "worst_mxn", "polls")


@dataclass(frozen=True, slots=True)
class OpenJobs:
    """The open jobs of the whole ledger that nobody works on, claimed as a run claims rows.

    Attributes:
        folded: batches that dead runs had left, now in the ledger.
        booked_late: charges that were unknown until now.
        batches: the jobs, for whoever looks at them.
        locks: what keeps others away from them.
    """

    folded: tuple[str, ...]
    booked_late: int
    batches: tuple[Manifest, ...]
    locks: tuple[FileLock, ...]

    def release(self) -> None:
        """Let go of them."""
        for lock in self.locks:
            lock.release()


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a settlement did and found.

    Attributes:
        folded: batches that dead runs had left.
        booked_late: videos of an earlier month whose charge is known since its FX is.
        looked_at: open jobs that were looked at, by the status that they have now.
        open: attempts that are still open, by status.
        live: batches that other runs work on.
        booked: what the ledger says.
        told: what the service says.
        comparison: the two together; None if other runs were at work, since the account moves meanwhile.
    """

    folded: tuple[str, ...]
    booked_late: int
    looked_at: Counter[EntryStatus]
    open: Counter[EntryStatus]
    live: int
    booked: LedgerTotals
    told: AccountReport
    comparison: Comparison | None

    @property
    def exit_code(self) -> int:
        """0 settled, 1 a difference that nothing explains, 3 something is still open or at work."""
        if self.comparison is None:
            return 3
        if not self.comparison.is_explained:
            return 1
        return 3 if self.open else 0


async def _submit_nothing(attempt: Attempt) -> LedgerEntry:
    raise AssertionError(f"{attempt.label} has no job, and settling makes none")


async def look_once(attempt: Attempt, _schedule: PollSchedule) -> LedgerEntry:
    """One poll; a job that is not done stays as it is."""
    try:
        return await attempt.poll()
    except JobPending:
        return attempt.entry


LOOK = Steps(_submit_nothing, look_once)
"""The steps of a settlement, without Prefect."""


async def settle_ledger(
    settings: Settings, folder: LedgerFolder, who: str, *, credited_mxn: Decimal | None = None, steps: Steps = LOOK
) -> Settlement:
    """Fold, look, compare.

    Args:
        settings: which account.
        folder: its ledger.
        who: what journals call whoever does it.
        credited_mxn: what was paid in since the last settlement, if a person says so.
        steps: who looks at a job.

    Raises:
        LedgerError: the ledger cannot be read or written.
        AccountError: the service refuses the key.
        TransportError: the service cannot be reached.
    """
    claimed = await asyncio.to_thread(claim_open_jobs, folder, settings, datetime.now(UTC), who)
    production = open_claim(settings, folder, claimed)
    await shoot_claim(production, claimed, steps)
    if isinstance(production.stop.reason, Exception):
        raise production.stop.reason
    keys = {row.entry.key for batch in claimed.batches for row in batch.rows}
    folded = claimed.folded
    for _ in range(_TRIES):
        before = await asyncio.to_thread(lambda: add_up(folder.find(columns=_SUMMED)))
        told = await ask_account(settings)
        found = await asyncio.to_thread(_close, folder, who, keys, before, told, credited_mxn)
        folded += found.folded
        if found.comparison is not None or found.live:
            break
    return replace(found, folded=folded, booked_late=claimed.booked_late)


def claim_open_jobs(folder: LedgerFolder, settings: Settings, now: datetime, who: str) -> OpenJobs:
    """Fold what dead runs left, book what is known by now, and claim every open job: nobody else polls it meanwhile.

    Raises:
        LedgerError: the ledger cannot be read or written.
    """
    with folder.lock():
        folded = tuple(fold_dead(folder, by=who))
        booked_late = book_late(folder, settings.tariff)
        taken = read_rows(folder, (), folded=True).live
        jobs = [entry for entry in _open_entries(folder) if entry.status.has_job and entry.row_key not in taken]
        batches = tuple(_cut(jobs, settings.batch_size, now, who))
        return OpenJobs(folded, booked_late, batches, create_journals(folder.journals, batches))


def _open_entries(folder: LedgerFolder) -> list[LedgerEntry]:
    statuses = [status.value for status in EntryStatus if status.is_open]
    return from_table(folder.scan(where=pc.field("status").isin(pa.array(statuses))))


def _cut(jobs: list[LedgerEntry], size: int, now: datetime, who: str) -> Iterator[Manifest]:
    for start in range(0, len(jobs), size):
        rows = tuple(ClaimedRow(entry, (entry.model or "",)) for entry in jobs[start : start + size])
        yield Manifest(new_batch_id(now), SOURCE, who, rows)


async def ask_account(settings: Settings) -> AccountReport:
    """What the service says of the account; the sandbox also says what it has charged.

    Raises:
        ServiceError: it refuses the key, or cannot be reached.
    """
    async with GeekHubClient(
        settings.geekhub_base_url, settings.require_key(), timeout_s=settings.request_timeout_s
    ) as client:
        consumed = await client.read_consumption() if settings.service == "sandbox" else None
        return AccountReport(await client.read_balance(), consumed)


def _close(
    folder: LedgerFolder,
    who: str,
    keys: set[tuple[str, int]],
    before: LedgerTotals,
    told: AccountReport,
    credited: Decimal | None,
) -> Settlement:
    """Fold what has died meanwhile, add up and compare, alone.

    Only books that nobody has moved since before the account was asked are books of the same instant.
    """
    with folder.lock():
        folded = tuple(fold_dead(folder, by=who))
        live = sum(is_live(path) for path in journal_paths(folder.journals))
        entries = folder.entries()
        booked = add_up(entries)
        is_at_rest = not live and booked == before
        comparison = _compare(folder, told, booked, credited) if is_at_rest else None
    return Settlement(
        folded,
        0,
        Counter(entry.status for entry in entries if entry.key in keys),
        Counter(entry.status for entry in entries if entry.status.is_open),
        live,
        booked,
        told,
        comparison,
    )


def _compare(folder: LedgerFolder, told: AccountReport, booked: LedgerTotals, credited: Decimal | None) -> Comparison:
    """Compare, then remember what was seen."""
    seen = folder.path / _SEEN_FILE
    comparison = compare(told, booked, read_last_settlement(seen), credited)
    if told.balance_mxn is not None:
        now = datetime.now(UTC)
        write_last_settlement(
            seen, LastSettlement(now, told.balance_mxn, booked.charged_mxn, booked.charges, booked.unknown_mxn)
        )
    return comparison


def add_up(entries: Iterable[LedgerEntry]) -> LedgerTotals:
    """What the ledger says, and what it does not know."""
    charged, charges, unknown, unknown_mxn = ZERO, 0, 0, ZERO
    for entry in entries:
        if entry.charged_mxn is not None:
            charged, charges = charged + entry.charged_mxn, charges + 1
        elif _may_be_charged(entry):
            unknown, unknown_mxn = unknown + 1, unknown_mxn + (entry.worst_mxn or ZERO)
    return LedgerTotals(charged, charges, unknown, unknown_mxn)


def _may_be_charged(entry: LedgerEntry) -> bool:
    """A charge is taken in a poll: one whose answer we do not have may have taken it."""
    unanswered = entry.polls > 0 and entry.status in (EntryStatus.PROCESSING, EntryStatus.ABANDONED)
    return unanswered or entry.status is EntryStatus.COMPLETED
