"""Checks a job's answer against the order: what differs is a finding, and the charge is then unknown. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta

from dailies.geekhub_client.job import Job, JobStatus
from dailies.ledger.charges import COMPLETED_DIFFERS, DURATION_DIFFERS, MODEL_DIFFERS, PRICE_CHANGED, UNREADABLE
from dailies.ledger.entry import LedgerEntry
from dailies.ledger.ordered_model import ordered_model
from dailies.pricing import ZERO, Tariff

_CLOCKS_DIFFER = timedelta(minutes=10)

Finding = tuple[str, str]
"""A code for programs and the words for a person."""


def find_difference(entry: LedgerEntry, job: Job, now: datetime) -> Finding | None:
    """Return how an answer differs from what was ordered, if it does."""
    if job.unreadable:
        return UNREADABLE, f"the service's answer cannot be right: {', '.join(job.unreadable)}"
    if job.model not in (None, entry.model):
        return MODEL_DIFFERS, f"ordered {entry.model}, the service says {job.model}"
    if job.duration_s not in (None, entry.duration_s):
        longest_s = ordered_model(entry).max_duration_s
        beyond = f", and {entry.model} makes {longest_s} s at most" if (job.duration_s or 0) > longest_s else ""
        return DURATION_DIFFERS, f"ordered {entry.duration_s} s, the service says {job.duration_s} s{beyond}"
    if job.status is JobStatus.COMPLETED and not _is_plausible(job.completed_at, entry.submitted_at, now):
        return COMPLETED_DIFFERS, f"the service says that it was done at {job.completed_at:%Y-%m-%d %H:%M} UTC"
    if entry.usd_per_second is None:
        return PRICE_CHANGED, "its price changed while it was in doubt: which of the two is charged is unknown"
    return None


def find_oddity(job: Job) -> Finding | None:
    """Return what a person has to know about a job that is not done, if there is anything."""
    if job.status_word is not None:
        return "unknown_status", f"the service says {job.status_word!r}, a status that its documentation does not name"
    return None


def with_reserve(entry: LedgerEntry, job: Job, tariff: Tariff, now: datetime) -> LedgerEntry:
    """Return the entry with a worst case for the longer of ordered and reported, up to the model's longest video."""
    model = ordered_model(entry)
    longer_s = min(job.duration_s or 0, max(model.max_duration_s, entry.duration_s or 0))
    if longer_s <= (entry.duration_s or 0) or entry.worst_mxn is None:
        return entry
    dearest = max(model.usd_per_second, entry.usd_per_second or model.usd_per_second)
    markup = max(tariff.markup, entry.markup or tariff.markup)
    tariff, offers = replace(tariff, markup=markup), [replace(model, usd_per_second=dearest)]
    worst_mxn = tariff.worst_mxn(offers, longer_s, now, entry.submitted_at) or ZERO
    worst_usd = max(tariff.worst_usd(offers, longer_s), entry.worst_usd or ZERO)
    return replace(entry, worst_mxn=max(worst_mxn, entry.worst_mxn), worst_usd=worst_usd)


def _is_plausible(completed_at: datetime | None, submitted_at: datetime | None, now: datetime) -> bool:
    if completed_at is None:
        return True
    return (submitted_at or completed_at) - _CLOCKS_DIFFER <= completed_at <= now + _CLOCKS_DIFFER
