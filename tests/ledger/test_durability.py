"""What survives a crash of the machine: a name counts after an fsync of its folder only."""

from pathlib import Path

import pytest

from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal import discard
from dailies.ledger.journal_writer import create_journal
from dailies.reconcile.quarantine import quarantine_journal
from dailies.system.durable import create_file, make_folders, replace_file
from tests.factories import BATCH, make_entry, make_folder, make_manifest
from tests.syscalls import record_syscalls


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    return make_folder(tmp_path / "ledger")


def test_a_replaced_file_is_durable_before_its_name_and_its_name_before_the_call_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = record_syscalls(monkeypatch)
    replace_file(tmp_path / "file", lambda file: file.write(b"new"))

    assert calls == [("fsync", ".file"), ("replace", ".file", "file"), ("fsync", tmp_path.name)]


def test_a_created_file_is_durable_before_its_name_and_its_name_before_the_call_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = record_syscalls(monkeypatch)
    create_file(tmp_path / "file", b"new")

    assert calls == [("fsync", ".file"), ("link", ".file", "file"), ("fsync", tmp_path.name)]


def test_a_folder_is_durable_before_anything_is_made_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = record_syscalls(monkeypatch)
    make_folders(tmp_path / "a" / "b")
    make_folders(tmp_path / "a" / "b")

    assert calls[:4] == [("mkdir", "a"), ("fsync", tmp_path.name), ("mkdir", "b"), ("fsync", "a")]
    assert [call for call in calls[4:] if call[0] == "fsync"] == []


def test_the_folders_of_a_new_ledger_are_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = record_syscalls(monkeypatch)
    make_folder(tmp_path / "data" / "ledger")

    made = [("mkdir", "data"), ("fsync", tmp_path.name), ("mkdir", "ledger"), ("fsync", "data")]
    assert calls[:6] == [*made, ("mkdir", "journal"), ("fsync", "ledger")]
    assert calls[-2:] == [("replace", ".ledger.json", "ledger.json"), ("fsync", "ledger")]


def test_a_journal_is_durable_before_it_is_visible_and_visible_for_good(
    folder: LedgerFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = record_syscalls(monkeypatch)
    create_journal(folder.journals, make_manifest(make_entry())).release()

    draft = f".{BATCH}.new"
    assert calls == [
        ("mkdir", draft),
        ("fsync", ".000001.jsonl"),
        ("link", ".000001.jsonl", "000001.jsonl"),
        ("fsync", draft),
        ("rename", draft, BATCH),
        ("fsync", "journal"),
    ]


def test_a_journal_is_out_of_sight_for_good_before_any_of_it_is_removed(
    folder: LedgerFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that crashes while segments are removed would leave a damaged journal otherwise."""
    create_journal(folder.journals, make_manifest(make_entry())).release()
    calls = record_syscalls(monkeypatch)
    discard(folder.journals / BATCH)

    grave = f".{BATCH}.folded"
    assert calls[:3] == [("rename", BATCH, grave), ("fsync", "journal"), ("rmtree", grave)]


def test_the_folder_of_a_month_is_durable_before_its_files(
    folder: LedgerFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = record_syscalls(monkeypatch)
    folder.put([make_entry()])

    month, file = folder.batch_file(BATCH).parent.name, f"{BATCH}.parquet"
    assert calls == [
        ("mkdir", month),
        ("fsync", "ledger"),
        ("fsync", f".{file}"),
        ("replace", f".{file}", file),
        ("fsync", month),
    ]


def test_a_journal_that_is_set_aside_is_neither_lost_nor_there_twice(
    folder: LedgerFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_journal(folder.journals, make_manifest(make_entry())).release()
    (folder.journals / BATCH / "000002.jsonl").touch()
    calls = record_syscalls(monkeypatch)
    quarantine_journal(folder, BATCH)

    assert calls[-5:] == [
        ("mkdir", "quarantine"),
        ("fsync", "ledger"),
        ("rename", BATCH, BATCH),
        ("fsync", "quarantine"),
        ("fsync", "journal"),
    ]
