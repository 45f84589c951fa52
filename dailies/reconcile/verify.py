"""Verify the ledger against itself: every charge computed again, every identity unique, every file in its place.

What is checked here was written by other code (``shooting``, ``fold``); a finding means a defect, or a file that
somebody has touched.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from dailies.errors import LedgerError
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.parquet import read_entries
from dailies.ledger.schema import SCHEMA
from dailies.pricing import ZERO, charge_of

_WESTERNMOST, _EASTERNMOST = timedelta(hours=-12), timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be: where, and what."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Verification:
    """What a ledger holds, and what is wrong with it.

    Attributes:
        files: ledger files.
        entries: attempts in them.
        charged_mxn: the sum of all charges.
        unknown_charges: videos whose charge is not known.
        findings: what is wrong; empty for sound books.
        notes: what is right, but dearer than was reckoned with.
    """

    files: int
    entries: int
    charged_mxn: Decimal
    unknown_charges: int
    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...] = ()


def verify_ledger(folder: LedgerFolder) -> Verification:
    """Read every file of a ledger and check it; changes nothing."""
    findings: list[Finding] = []
    entries: list[LedgerEntry] = []
    files = folder.files()
    for path in files:
        try:
            found = read_entries(path)
        except LedgerError as error:
            findings.append(Finding(path.name, str(error)))
            continue
        if strange := list(_strange_columns(path)):
            findings += strange
            continue
        findings += _misplaced(folder, path, found)
        entries += found
    for entry in entries:
        findings += (Finding(_name(entry), what) for what in _faults(entry))
    findings += _doubles(entries)
    charged = sum((entry.charged_mxn or ZERO for entry in entries), ZERO)
    findings += _sums(folder, charged) if len(findings) == 0 else ()
    unknown = sum(entry.status is EntryStatus.COMPLETED and entry.charged_mxn is None for entry in entries)
    notes = (
        Finding(_name(entry), _dearer(entry)) for entry in entries if _passes_worst(entry) and _spans_months(entry)
    )
    return Verification(len(files), len(entries), charged, unknown, tuple(findings), tuple(notes))


def _name(entry: LedgerEntry) -> str:
    return f"row {entry.row_key}, attempt {entry.attempt}"


def _strange_columns(path: Path) -> Iterator[Finding]:
    schema = pq.read_schema(path)
    for column in schema:
        if column.name not in SCHEMA.names or not column.equals(SCHEMA.field(column.name)):
            yield Finding(path.name, f"column {column.name} ({column.type}) is not one of the ledger's")
    # A file may be older than a column that was added since; such a column can always be empty.
    for column in SCHEMA:
        if column.name not in schema.names and not column.nullable:
            yield Finding(path.name, f"column {column.name} is missing")


def _misplaced(folder: LedgerFolder, path: Path, entries: Iterable[LedgerEntry]) -> Iterator[Finding]:
    try:
        place = folder.batch_file(path.stem)
    except LedgerError as error:
        yield Finding(path.name, str(error))
        return
    if place != path:
        yield Finding(path.name, f"it belongs into {place.parent.name}")
    for entry in entries:
        if entry.batch_id != path.stem:
            yield Finding(_name(entry), f"it is in the file of batch {path.stem}, but belongs to {entry.batch_id}")


def _faults(entry: LedgerEntry) -> Iterator[str]:
    """What is wrong with one entry by itself."""
    is_completed = entry.status is EntryStatus.COMPLETED
    if entry.attempt < 1:
        yield f"attempt {entry.attempt}"
    if entry.job_id is None and (is_completed or entry.status.has_job or entry.polls):
        yield f"{entry.status} after {entry.polls} polls, but without a job id"
    if not is_completed and (entry.charged_mxn is not None or entry.charged_usd is not None):
        yield f"{entry.status}, but charged {entry.charged_mxn} MXN"
    if is_completed and entry.charged_mxn is not None:
        yield from _wrong_charge(entry, entry.charged_mxn)


def _wrong_charge(entry: LedgerEntry, charged_mxn: Decimal) -> Iterator[str]:
    factors = entry.usd_per_second, entry.duration_s, entry.markup, entry.fx_mxn_per_usd
    usd_per_second, duration_s, markup, fx = factors
    if usd_per_second is None or duration_s is None or markup is None or fx is None:
        yield f"charged {charged_mxn} MXN, but a factor is missing: price, duration, markup, FX are {factors}"
        return
    mxn, usd = charge_of(usd_per_second, duration_s, markup, fx)
    if (mxn, usd) != (charged_mxn, entry.charged_usd):
        yield f"charged {charged_mxn} MXN ({entry.charged_usd} USD), but its factors make {mxn} ({usd} USD)"
    if _passes_worst(entry) and not _spans_months(entry):
        yield _dearer(entry)


def _passes_worst(entry: LedgerEntry) -> bool:
    charged_mxn, worst_mxn = entry.charged_mxn, entry.worst_mxn
    return charged_mxn is not None and worst_mxn is not None and charged_mxn > worst_mxn


def _dearer(entry: LedgerEntry) -> str:
    fx = entry.fx_mxn_per_usd
    return f"charged {entry.charged_mxn} MXN at an FX of {fx}, more than its worst case of {entry.worst_mxn}"


def _spans_months(entry: LedgerEntry) -> bool:
    """Whether it may have completed in a later month than it was planned in, whose FX was not known then.

    Where a month begins depends on a time zone, which the books do not tell: the widest span counts.
    """
    if entry.planned_at is None or entry.completed_at is None:
        return True
    first, last = entry.planned_at + _WESTERNMOST, entry.completed_at + _EASTERNMOST
    return (first.year, first.month) != (last.year, last.month)


def _doubles(entries: Iterable[LedgerEntry]) -> Iterator[Finding]:
    """What must not be there twice: an entry, a job, a bought row; and attempts that are missing."""
    keys = Counter(entry.key for entry in entries)
    yield from (
        Finding(f"row {key[0]}, attempt {key[1]}", f"it is there {n} times") for key, n in keys.items() if n > 1
    )
    jobs = Counter(entry.job_id for entry in entries if entry.job_id is not None)
    yield from (Finding(f"job {job}", f"{n} entries claim it") for job, n in jobs.items() if n > 1)
    rows: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        rows[entry.row_key].append(entry)
    for row_key, attempts in rows.items():
        bought = sum(entry.status is EntryStatus.COMPLETED for entry in attempts)
        if bought > 1:
            yield Finding(f"row {row_key}", f"it was bought {bought} times")
        if {entry.attempt for entry in attempts} != set(range(1, len(attempts) + 1)) and len(keys) == keys.total():
            yield Finding(f"row {row_key}", f"its attempts are {sorted(entry.attempt for entry in attempts)}")


def _sums(folder: LedgerFolder, charged_mxn: Decimal) -> Iterator[Finding]:
    """The same sum by Arrow's own decimals, as any other reader of the files would get it."""
    added = pc.sum(folder.scan(["charged_mxn"]).column("charged_mxn")).as_py() or ZERO
    if added != charged_mxn:
        yield Finding(str(folder.path), f"the charges add up to {charged_mxn} MXN here, but to {added} in Arrow")
