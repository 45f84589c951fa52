"""Raise an alarm about jobs that render for longer than a day: an event that an automation waits for."""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from prefect.events import emit_event
from prefect.variables import Variable

from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder

OVERDUE = "dailies.jobs.overdue"
PATIENCE = timedelta(days=1)
_TOLD = "dailies_overdue_told"
_SHOWN = 20


def overdue(entries: Iterable[LedgerEntry], now: datetime) -> list[LedgerEntry]:
    """Return the jobs that were submitted more than a day ago and have not ended, oldest first. Pure."""
    open_jobs = (EntryStatus.PENDING, EntryStatus.PROCESSING)
    late = [(entry.submitted_at, entry) for entry in entries if entry.status in open_jobs and entry.submitted_at]
    return [entry for at, entry in sorted(late, key=lambda pair: pair[0]) if now - at > PATIENCE]


async def tell_overdue(folder: LedgerFolder, now: datetime) -> list[LedgerEntry]:
    """Raise the alarm for what is overdue in the ledger, once a day and whenever other jobs join; returns it."""
    late = overdue(folder.entries(), now)
    news = hashlib.sha256(f"{now:%Y-%m-%d} {sorted(entry.job_id or '' for entry in late)}".encode()).hexdigest()
    if late and await Variable.aget(_TOLD) != news:
        await Variable.aset(_TOLD, news, overwrite=True)
        resource = {"prefect.resource.id": f"dailies.ledger.{folder.identity.ledger_id}"}
        emit_event(OVERDUE, resource, payload={"rows": len(late), "message": _message(late)})
    return late


def _message(late: list[LedgerEntry]) -> str:
    lines = [
        f"line {entry.source_line} of {entry.source}: {entry.model}, job {entry.job_id}, submitted"
        f" {entry.submitted_at:%Y-%m-%d %H:%M} UTC"
        for entry in late[:_SHOWN]
    ]
    more = [f"... and {len(late) - _SHOWN} more"] if len(late) > _SHOWN else []
    remedy = "They are polled at every settle. `dailies abandon` gives a row up, so that it can be ordered again."
    return "\n".join([*lines, *more, "", remedy])
