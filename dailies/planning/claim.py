"""Claiming rows: one critical section under the ledger's lock, after which they are this run's alone."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dailies.errors import RefusedError
from dailies.ledger.charges import book_late
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal import is_live, journal_paths
from dailies.ledger.journal_fold import fold_dead
from dailies.ledger.journal_writer import create_journals
from dailies.ledger.manifest import Manifest, cut_batches, new_batch_id
from dailies.ledger.snapshot import read_snapshot
from dailies.planning.approval import require_approved
from dailies.planning.plan import Plan, Stamp, make_plan
from dailies.planning.submit_order import in_order
from dailies.planning.terms import Terms
from dailies.prompts.reader import PromptFile, RejectedRow
from dailies.system.durable import FileLock
from dailies.system.memory import many_objects


@dataclass(frozen=True, slots=True)
class Claim:
    """What a run has claimed: the plan as it was under the lock, its batches, and the locks that keep them alive."""

    plan: Plan
    batches: tuple[Manifest, ...]
    locks: tuple[FileLock, ...]

    def release(self) -> None:
        """Release the locks: another run may take over what is left of the batches."""
        for lock in self.locks:
            lock.release()

    close = release


@many_objects()
def read_plan(folder: LedgerFolder, prompts: PromptFile, terms: Terms, now: datetime) -> Plan:
    """Plan what ``claim_rows`` would claim now; change nothing.

    Raises:
        RefusedError: a cap is exceeded, the month has no FX, or a batch to take over is unknown.
        LedgerError: the ledger cannot be read.
    """
    _require_known(folder, terms.take_over)
    return _plan(folder, prompts, terms, Stamp(new_batch_id(now), None, now, now - terms.clock_ahead), folded=False)


@many_objects()
def claim_rows(
    folder: LedgerFolder, prompts: PromptFile, terms: Terms, now: datetime, flow_run_id: str | None = None
) -> Claim:
    """Fold interrupted runs, plan, check the caps, write each batch's manifest: all or nothing, under one lock.

    ``now`` is when it is called; the month whose cap counts is that in which it plans, perhaps much later.

    Raises:
        RefusedError: a cap is exceeded, the month has no FX, the rows are not those of the approved plan or may cost
            more, or a batch to take over is unknown.
        LedgerError: the ledger cannot be read or written.
    """
    require_approved(prompts, terms.options.approved_rows)
    called_at_s = time.monotonic()
    with folder.lock():
        _require_known(folder, terms.take_over)
        fold_dead(folder, by=flow_run_id or "claim", take_over=terms.take_over)
        book_late(folder, terms.tariff)
        now += timedelta(seconds=time.monotonic() - called_at_s)
        first = Stamp(new_batch_id(now), flow_run_id, now, now - terms.clock_ahead)
        plan = _plan(folder, prompts, terms, first, folded=True)
        approved = terms.options.approved_mxn
        if approved is not None and plan.worst_mxn > approved:
            raise RefusedError(
                f"What is left may now cost up to {plan.worst_mxn:,.2f} MXN, more than the {approved:,.2f}"
                " that were shown: the ledger has changed meanwhile. Nothing was spent; show the plan again."
            )
        for sheet in prompts.sheets:
            mine = (row for row in prompts.rejected if row.source == sheet.source)
            last_line = None if sheet.is_whole else max(sheet.records)
            folder.put_rejected(sheet.source, _rejected(mine, first), last_line)
        folder.put(row.entry for row in plan.left if row.entry.status is EntryStatus.PLANNED)
        rows = in_order(plan.todo, terms.options.order)
        batches = cut_batches(rows, terms.batch_size, prompts.source, flow_run_id, now, first.batch_id)
        return Claim(plan, batches, create_journals(folder, batches))


def _plan(folder: LedgerFolder, prompts: PromptFile, terms: Terms, stamp: Stamp, *, folded: bool) -> Plan:
    keys = (row.row_key for row in prompts.rows)
    books = read_snapshot(
        folder,
        keys,
        terms.tariff,
        stamp.now,
        terms.take_over,
        service_now=stamp.service_now,
        brief=True,
        folded=folded,
    )
    return make_plan(prompts, books, terms.tariff, terms.policy, terms.caps_after(books.booked), stamp)


def _require_known(folder: LedgerFolder, batch_ids: frozenset[str]) -> None:
    """Refuse a batch that neither has a journal nor is in the ledger already, where there is nothing to take."""
    if not batch_ids:
        return
    journals = journal_paths(folder.journals)
    unknown = batch_ids - {path.name for path in journals} - {path.stem for path in folder.files()}
    if unknown:
        live = ", ".join(path.name for path in journals if is_live(path)) or "none"
        raise RefusedError(
            f"There is no batch {', '.join(sorted(unknown))} to take over; at work are: {live}. Nothing was spent."
        )


def _rejected(rows: Iterable[RejectedRow], stamp: Stamp) -> Iterator[LedgerEntry]:
    for row in rows:
        yield LedgerEntry(
            row_key=row.row_key,
            attempt=1,
            source=row.source,
            source_line=row.source_line,
            batch_id=stamp.batch_id,
            flow_run_id=stamp.flow_run_id,
            prompt_id=row.prompt_id,
            prompt=row.prompt,
            status=EntryStatus.REJECTED,
            error_code="invalid_row",
            error="; ".join(str(error) for error in row.errors),
            planned_at=stamp.now,
        )
