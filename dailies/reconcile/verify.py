"""Verify a ledger, or a backup of one, against itself: charges, identities, places of files, journals.

A finding means that the code has a defect, or that a file was damaged or edited.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from dailies.errors import JournalDamagedError, LedgerError
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal import JournalState, journal_paths, replay, stray_paths
from dailies.ledger.parquet import read_entries
from dailies.ledger.schema import SCHEMA
from dailies.pricing import ZERO, charge_of

_WESTERNMOST, _EASTERNMOST = timedelta(hours=-12), timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class Defect:
    """What is wrong, and where."""

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
        unknown_charges: videos whose charge is unknown.
        findings: what is wrong; empty for a sound ledger.
        notes: charges above their worst case, where a later month's FX explains it.
        journals: batches that are not folded yet.
        strays: what lies among the journals and is none; it does no harm.
    """

    files: int
    entries: int
    charged_mxn: Decimal
    unknown_charges: int
    findings: tuple[Defect, ...]
    notes: tuple[Defect, ...] = ()
    journals: int = 0
    strays: tuple[str, ...] = ()


def verify_ledger(folder: LedgerFolder) -> Verification:
    """Read every journal and every file of a ledger and check them; changes nothing.

    Journals are read first: an entry that is folded meanwhile is then seen twice, never missed. The same holds for a
    backup whose journals were copied first.
    """
    journalled, findings = _read_journals(folder)
    entries: list[LedgerEntry] = []
    files = folder.files()
    for path in files:
        try:
            found = read_entries(path)
        except LedgerError as error:
            findings.append(Defect(path.name, str(error)))
            continue
        if strange := list(_strange_columns(path)):
            findings += strange
            continue
        findings += _misplaced(folder, path, found)
        entries += found
    folded = {entry.key for entry in entries}
    unfolded = [entry for state in journalled for entry in state.entries.values() if entry.key not in folded]
    for entry in (*entries, *unfolded):
        findings += (Defect(_name(entry), what) for what in _faults(entry))
    findings += _doubles(entries)
    charged = sum((entry.charged_mxn or ZERO for entry in entries), ZERO)
    findings += _sums(folder, charged) if len(findings) == 0 else ()
    unknown = sum(entry.status is EntryStatus.COMPLETED and entry.charged_mxn is None for entry in entries)
    notes = (Defect(_name(entry), _dearer(entry)) for entry in entries if _passes_worst(entry) and _spans_months(entry))
    strays = map(str, stray_paths(folder.journals)) if folder.journals.is_dir() else ()
    return Verification(
        len(files), len(entries), charged, unknown, tuple(findings), tuple(notes), len(journalled), tuple(strays)
    )


def _read_journals(folder: LedgerFolder) -> tuple[list[JournalState], list[Defect]]:
    states: list[JournalState] = []
    findings: list[Defect] = []
    for path in journal_paths(folder.journals) if folder.journals.is_dir() else ():
        try:
            states.append(replay(path))
        except FileNotFoundError:  # folded meanwhile
            continue
        except JournalDamagedError as error:
            findings.append(Defect(f"journal {path.name}", str(error)))
    return states, findings


def _name(entry: LedgerEntry) -> str:
    return f"row {entry.row_key}, attempt {entry.attempt}"


def _strange_columns(path: Path) -> Iterator[Defect]:
    schema = pq.read_schema(path)
    for column in schema:
        if column.name not in SCHEMA.names or not column.equals(SCHEMA.field(column.name)):
            yield Defect(path.name, f"column {column.name} ({column.type}) is not one of the ledger's")
    # A file may be older than a column that was added since; such a column can always be empty.
    for column in SCHEMA:
        if column.name not in schema.names and not column.nullable:
            yield Defect(path.name, f"column {column.name} is missing")


def _misplaced(folder: LedgerFolder, path: Path, entries: Iterable[LedgerEntry]) -> Iterator[Defect]:
    try:
        place = folder.batch_file(path.stem)
    except LedgerError as error:
        yield Defect(path.name, str(error))
        return
    if place != path:
        yield Defect(path.name, f"it belongs into {place.parent.name}")
    for entry in entries:
        if entry.batch_id != path.stem:
            yield Defect(_name(entry), f"it is in the file of batch {path.stem}, but belongs to {entry.batch_id}")


def _faults(entry: LedgerEntry) -> Iterator[str]:
    """Yield what is wrong with one entry by itself."""
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
    """Return whether it may have completed in a later month than planned, whose FX was not known then.

    Where a month begins depends on a time zone, which the ledger does not record: the widest span counts.
    """
    if entry.planned_at is None or entry.completed_at is None:
        return True
    first, last = entry.planned_at + _WESTERNMOST, entry.completed_at + _EASTERNMOST
    return (first.year, first.month) != (last.year, last.month)


def _doubles(entries: Iterable[LedgerEntry]) -> Iterator[Defect]:
    """Yield what is there twice: an entry, a job, a bought row; and rows that lack an attempt."""
    keys = Counter(entry.key for entry in entries)
    yield from (Defect(f"row {key[0]}, attempt {key[1]}", f"it is there {n} times") for key, n in keys.items() if n > 1)
    jobs = Counter(entry.job_id for entry in entries if entry.job_id is not None)
    yield from (Defect(f"job {job}", f"{n} entries claim it") for job, n in jobs.items() if n > 1)
    rows: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        rows[entry.row_key].append(entry)
    for row_key, attempts in rows.items():
        bought = sum(entry.status is EntryStatus.COMPLETED for entry in attempts)
        if bought > 1:
            yield Defect(f"row {row_key}", f"it was bought {bought} times")
        if {entry.attempt for entry in attempts} != set(range(1, len(attempts) + 1)) and len(keys) == keys.total():
            yield Defect(f"row {row_key}", f"its attempts are {sorted(entry.attempt for entry in attempts)}")


def _sums(folder: LedgerFolder, charged_mxn: Decimal) -> Iterator[Defect]:
    """Add the charges up by Arrow's own decimals, as any other reader of the files would; yield a different sum."""
    added = pc.sum(folder.scan(["charged_mxn"]).column("charged_mxn")).as_py() or ZERO
    if added != charged_mxn:
        yield Defect(str(folder.path), f"the charges add up to {charged_mxn} MXN here, but to {added} in Arrow")
