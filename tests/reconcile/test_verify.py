"""Books that were tampered with, or written by a defect, are found out."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.parquet import write_entries
from dailies.ledger.schema import SCHEMA
from dailies.reconcile.verify import verify_ledger
from tests.factories import BATCH, OTHER_BATCH, completed, make_entry, make_folder

BOUGHT = completed(make_entry())
FAILED = make_entry("b", status=EntryStatus.FAILED, job_id="job-b", error_code="job_failed", error="no", polls=2)


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    return make_folder(tmp_path / "ledger")


def faults_of(folder: LedgerFolder, *entries: LedgerEntry) -> list[str]:
    """What is said about books that hold these entries, as they stand."""
    path = folder.batch_file(BATCH)
    path.parent.mkdir(exist_ok=True)
    write_entries(path, entries)
    return [finding.what for finding in verify_ledger(folder).findings]


def test_sound_books_are_sound_and_added_up(folder: LedgerFolder) -> None:
    again = replace(FAILED, attempt=2, job_id=None, status=EntryStatus.PLANNED, error_code=None, error=None, polls=0)
    with folder.lock():
        folder.put([BOUGHT, FAILED, again])
    found = verify_ledger(folder)
    assert (found.files, found.entries, found.charged_mxn, found.findings) == (1, 3, Decimal("4.2"), ())


def test_an_empty_ledger_is_sound(folder: LedgerFolder) -> None:
    assert verify_ledger(folder).findings == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"charged_mxn": Decimal("4.200001")}, "its factors make 4.200000"),
        ({"charged_usd": Decimal("0.2")}, "its factors make 4.200000"),
        ({"duration_s": 6}, "its factors make 5.040000"),
        ({"fx_mxn_per_usd": None}, "a factor is missing"),
        ({"worst_mxn": Decimal("4.19")}, "more than its worst case"),
        ({"job_id": None}, "without a job id"),
        ({"attempt": 0}, "attempt 0"),
        ({"status": EntryStatus.FAILED}, "but charged"),
        ({"attempt": 2}, "its attempts are [2]"),
        ({"batch_id": OTHER_BATCH}, "but belongs to"),
    ],
)
def test_a_changed_cell_is_found(folder: LedgerFolder, change: dict[str, object], says: str) -> None:
    assert any(says in what for what in faults_of(folder, replace(BOUGHT, **change)))  # type: ignore[arg-type]


DECEMBER = datetime(2026, 12, 1, 12, tzinfo=UTC)
DEARER = {"fx_mxn_per_usd": Decimal(21), "charged_mxn": Decimal("4.41")}


def test_the_dearer_fx_of_a_later_month_is_noted_and_no_fault(folder: LedgerFolder) -> None:
    """It was claimed while only November's FX was known, and collected in December."""
    late = completed(make_entry(), completed_at=DECEMBER, **DEARER)

    assert faults_of(folder, late) == []
    (note,) = verify_ledger(folder).notes
    assert note.what == "charged 4.410000 MXN at an FX of 21.000000, more than its worst case of 4.200000"


def test_a_charge_beyond_the_worst_case_within_a_month_is_a_fault(folder: LedgerFolder) -> None:
    assert any("more than its worst case" in what for what in faults_of(folder, completed(make_entry(), **DEARER)))
    assert verify_ledger(folder).notes == ()


@pytest.mark.parametrize(
    ("planned_at", "completed_at"),
    [
        (datetime(2026, 11, 30, 9, tzinfo=UTC), datetime(2026, 11, 30, 11, tzinfo=UTC)),  # Kiritimati: UTC+14
        (datetime(2026, 12, 1, 11, tzinfo=UTC), datetime(2026, 12, 1, 13, tzinfo=UTC)),  # Baker Island: UTC-12
    ],
)
def test_a_month_may_end_in_any_time_zone(folder: LedgerFolder, planned_at: datetime, completed_at: datetime) -> None:
    assert faults_of(folder, completed(make_entry(planned_at=planned_at), completed_at=completed_at, **DEARER)) == []


def test_a_job_that_two_entries_claim_is_found(folder: LedgerFolder) -> None:
    other = completed(make_entry("c"), job_id=BOUGHT.job_id)
    assert faults_of(folder, BOUGHT, other) == ["2 entries claim it"]


def test_a_row_that_was_bought_twice_is_found(folder: LedgerFolder) -> None:
    assert faults_of(folder, BOUGHT, replace(BOUGHT, attempt=2, job_id="other")) == ["it was bought 2 times"]


def test_an_entry_in_two_files_is_found(folder: LedgerFolder) -> None:
    with folder.lock():
        folder.put([BOUGHT])
    copy = folder.batch_file(OTHER_BATCH)
    write_entries(copy, [BOUGHT])
    assert "it is there 2 times" in [finding.what for finding in verify_ledger(folder).findings]


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def _rename(path: Path) -> None:
    path.rename(path.with_name("mine.parquet"))


def _move(path: Path) -> None:
    month = path.parent.with_name("month=2026-12")
    month.mkdir()
    path.rename(month / path.name)


def _rewrite(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    with path.open("rb") as file:
        table = pq.read_table(file)
    pq.write_table(change(table), path)


def _add_a_column(path: Path) -> None:
    _rewrite(path, lambda table: table.append_column("mood", pa.array(["fine"])))


def _change_a_type(path: Path) -> None:
    place = SCHEMA.get_field_index("charged_mxn")
    _rewrite(path, lambda table: table.set_column(place, "charged_mxn", table.column(place).cast(pa.float64())))


@pytest.mark.parametrize("damage", [_truncate, _rename, _move, _add_a_column, _change_a_type])
def test_a_damaged_or_misplaced_file_is_found(folder: LedgerFolder, damage: Callable[[Path], None]) -> None:
    with folder.lock():
        folder.put([BOUGHT])
    damage(folder.batch_file(BATCH))
    assert verify_ledger(folder).findings


def test_an_unknown_charge_is_counted_and_no_fault(folder: LedgerFolder) -> None:
    vague = replace(BOUGHT, charged_mxn=None, charged_usd=None, fx_mxn_per_usd=None)
    assert faults_of(folder, vague) == []
    assert verify_ledger(folder).unknown_charges == 1
