"""Checks the six promises against the sandbox's database. Each function returns every breach that it finds."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress

from dailies.gateway.jobs.jobs import StoredJob
from dailies.gateway.testing import RunningSandbox
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal import journal_paths, replay
from dailies.ledger.merge import merge_all
from dailies.pricing import ZERO
from dailies.reconcile.verify import verify_ledger

_ENDED = (EntryStatus.COMPLETED, EntryStatus.FAILED)


def durable_entries(folder: LedgerFolder) -> list[LedgerEntry]:
    """Read everything that a crash at this moment would leave: the entries of journals and ledger."""
    journalled: list[LedgerEntry] = []
    for path in journal_paths(folder.journals):
        with suppress(FileNotFoundError):
            journalled += replay(path).entries.values()
    return list(merge_all(journalled, folder.entries()).values())


def breaches_after_a_crash(folder: LedgerFolder, sandbox: RunningSandbox) -> Iterator[str]:
    """Check what must be true at any moment: promises 1, 2 and the first half of 4."""
    known = {entry.job_id: entry for entry in durable_entries(folder)}
    for job in sandbox.jobs():
        if not job.polls:
            continue
        entry = known.get(job.id)
        if entry is None:
            yield f"job {job.id} was polled, but its id is not durable"
        elif not entry.polls:
            yield f"job {job.id} was polled, but its first poll is not durable"
    yield from _polled_twice(sandbox)
    yield from _charged_twice(sandbox)


def breaches_at_the_end(folder: LedgerFolder, sandbox: RunningSandbox, rows: int) -> Iterator[str]:
    """Check what must be true when the same command has nothing left to do: promises 1, 2, 4 and 5."""
    yield from breaches_after_a_crash(folder, sandbox)
    entries = folder.entries()
    last = {entry.prompt: entry for entry in sorted(entries, key=lambda entry: entry.attempt)}
    if len(last) != rows:
        yield f"{rows} rows, but {len(last)} in the ledger"
    for prompt, entry in last.items():
        if entry.status not in _ENDED:
            yield f"{prompt!r} is {entry.status}"
        elif entry.status is EntryStatus.FAILED and not entry.error:
            yield f"{prompt!r} failed without a reason"
    charged = sum((entry.charged_mxn or ZERO for entry in entries), ZERO)
    if charged != sandbox.consumed_mxn():
        yield f"the ledger says {charged} MXN, the account {sandbox.consumed_mxn()}"
    yield from (str(finding) for finding in verify_ledger(folder).findings)
    yield from (f"{path} was left behind" for path in folder.journals.iterdir())
    yield from (f"{path} was left behind" for path in folder.path.glob("month=*/.*"))


def breach_of_the_cap(sandbox: RunningSandbox, cap_mxn: object) -> Iterator[str]:
    """Check promise 3: the charges never exceed the cap."""
    if sandbox.consumed_mxn() > cap_mxn:  # type: ignore[operator]
        yield f"{sandbox.consumed_mxn()} MXN were charged, but the cap is {cap_mxn}"


def _polled_twice(sandbox: RunningSandbox) -> Iterator[str]:
    """Identify a row by its prompt: prompts are unique in these tests."""
    polled: dict[str, list[StoredJob]] = defaultdict(list)
    for job in sandbox.jobs():
        if job.polls:
            polled[job.prompt].append(job)
    for prompt, jobs in polled.items():
        if any(job.status != "failed" for job in jobs[:-1]):
            yield f"{prompt!r} has {len(jobs)} jobs that were polled, and an earlier one has not failed"


def _charged_twice(sandbox: RunningSandbox) -> Iterator[str]:
    prompts = {job.id: job.prompt for job in sandbox.jobs()}
    charges = Counter(prompts[str(booked.job_id)] for booked in sandbox.transactions() if booked.type == "consumption")
    yield from (f"{prompt!r} was charged {count} times" for prompt, count in charges.items() if count > 1)
