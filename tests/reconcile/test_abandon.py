"""Giving up by hand: what it frees, what stays reserved, and what it refuses."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from dailies.errors import InputError, RefusedError
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.snapshot import read_snapshot
from dailies.planning.caps import Caps
from dailies.planning.claim import claim_rows
from dailies.reconcile.abandon import abandon_rows, keys_of_lines
from tests.factories import (
    KLING_5_S_MXN,
    NOW,
    completed,
    make_entry,
    make_file,
    make_folder,
    make_rows,
    make_tariff,
    make_terms,
)

S = EntryStatus
PENDING = make_entry("a", status=S.PENDING, job_id="job-a", submitted_at=NOW)
POLLED = make_entry("b", status=S.PROCESSING, job_id="job-b", submitted_at=NOW, polls=1)
DOUBTFUL = make_entry("c", status=S.IN_DOUBT, submitted_at=NOW)


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    made = make_folder(tmp_path / "ledger")
    with made.lock():
        made.put([PENDING, POLLED, DOUBTFUL])
    return made


def give_up(folder: LedgerFolder, *names: str) -> list[LedgerEntry]:
    abandon_rows(folder, names, NOW)
    return [entry for entry in folder.entries() if entry.status is S.ABANDONED]


def test_a_row_is_named_by_the_beginning_of_its_key(folder: LedgerFolder) -> None:
    assert [entry.prompt for entry in give_up(folder, PENDING.row_key[:8].upper())] == ["a"]


def test_a_row_that_was_given_up_is_ordered_anew_by_its_next_run(folder: LedgerFolder) -> None:
    give_up(folder, PENDING.row_key)
    claim = claim_rows(folder, make_file(*make_rows("a")), make_terms(), NOW)
    (row,) = claim.batches[0].rows
    assert (row.entry.attempt, row.entry.status, row.entry.job_id) == (2, S.PLANNED, None)
    claim.release()


def test_a_row_that_only_a_living_runs_journal_has_is_known_to_be_at_work(folder: LedgerFolder) -> None:
    claim = claim_rows(folder, make_file(*make_rows("new")), make_terms(), NOW)
    (row,) = claim.batches[0].rows
    with pytest.raises(RefusedError, match="belongs to a run that is at work"):
        give_up(folder, row.entry.row_key[:8])
    claim.release()


def test_only_a_job_that_was_polled_stays_reserved(folder: LedgerFolder) -> None:
    given_up = abandon_rows(folder, [PENDING.row_key, POLLED.row_key, DOUBTFUL.row_key], NOW)
    assert [entry.prompt for entry in given_up.perhaps_charged] == ["b"]
    assert read_snapshot(folder, (), make_tariff(), NOW).reserved_beside(()) == KLING_5_S_MXN


def test_all_rows_are_given_up_or_none(folder: LedgerFolder) -> None:
    with pytest.raises(RefusedError, match="no row is"):
        give_up(folder, PENDING.row_key, "no-such-row")
    assert {entry.status for entry in folder.entries()} == {S.PENDING, S.PROCESSING, S.IN_DOUBT}


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (completed(make_entry("d")), "it is completed"),
        (make_entry("d", status=S.FAILED), "failed already"),
        (make_entry("d"), "never sent"),
        (make_entry("d", status=S.ABANDONED), "given up already"),
    ],
)
def test_only_an_open_row_can_be_given_up(folder: LedgerFolder, entry: LedgerEntry, why: str) -> None:
    with folder.lock():
        folder.put([entry])
    with pytest.raises(RefusedError, match=why):
        give_up(folder, entry.row_key)


def test_a_row_of_a_living_run_is_left_to_it(folder: LedgerFolder) -> None:
    claim = claim_rows(folder, make_file(*make_rows("a")), make_terms(), NOW)
    with pytest.raises(RefusedError, match="at work"):
        give_up(folder, PENDING.row_key)
    claim.release()
    assert len(give_up(folder, PENDING.row_key)) == 1


def test_a_short_name_is_refused(folder: LedgerFolder) -> None:
    with pytest.raises(RefusedError, match="too short"):
        give_up(folder, PENDING.row_key[:5])


def test_lines_of_a_file_name_its_rows() -> None:
    rows = make_rows("a", "b")
    assert keys_of_lines(make_file(*rows), ["3", "2"]) == [rows[1].row_key, rows[0].row_key]


def test_a_line_without_a_row_is_named() -> None:
    with pytest.raises(InputError, match="no row begins on line 9"):
        keys_of_lines(make_file(*make_rows("a")), ["2", "9"])


def test_a_worst_case_that_stays_reserved_counts_against_the_month(folder: LedgerFolder) -> None:
    give_up(folder, POLLED.row_key)
    books = read_snapshot(folder, (), make_tariff(), NOW)
    assert books.given_up_mxn == Decimal("4.2")
    assert replace(POLLED, status=S.ABANDONED).reserved_mxn == KLING_5_S_MXN


@pytest.mark.parametrize(
    ("now", "counts"),
    [("2026-10-15", False), ("2026-11-30", True), ("2026-12-05", True), ("2026-12-31", True), ("2027-01-02", False)],
)
def test_a_job_that_was_given_up_counts_in_the_months_that_could_hold_its_charge(
    folder: LedgerFolder, now: str, counts: bool
) -> None:
    """Submitted in November, given up in December: no later poll can have charged it."""
    abandon_rows(folder, [POLLED.row_key], datetime(2026, 12, 10, tzinfo=UTC))
    tariff = make_tariff(fx={"*": Decimal(20)})
    month = read_snapshot(folder, (), tariff, datetime.fromisoformat(f"{now}T18:00+00:00"))

    assert month.given_up_mxn == (KLING_5_S_MXN if counts else 0)


def test_a_job_that_was_given_up_does_not_count_against_the_balance(folder: LedgerFolder) -> None:
    """If it was charged, that has left the balance already."""
    give_up(folder, POLLED.row_key, PENDING.row_key, DOUBTFUL.row_key)
    caps = Caps(balance_mxn=KLING_5_S_MXN)
    claim_rows(folder, make_file(*make_rows("new")), make_terms(caps), NOW).release()

    with pytest.raises(RefusedError, match=r"This month may come to 8\.40"):
        claim_rows(folder, make_file(*make_rows("new")), make_terms(Caps(max_month_mxn=KLING_5_S_MXN)), NOW)
