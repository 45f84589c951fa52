"""Claims beside locks that vanish, full disks and journals that are folded meanwhile."""

import os

import pytest

from dailies.errors import JournalError, LedgerError
from dailies.ledger import snapshot as books_module
from dailies.ledger.entry import EntryStatus
from dailies.ledger.journal import is_live, journal_paths, replay
from dailies.ledger.journal_fold import fold_batch
from dailies.ledger.snapshot import read_snapshot
from dailies.planning.claim import claim_rows
from tests.factories import (
    BATCH,
    KLING_5_S_MXN,
    NOW,
    make_entry,
    make_file,
    make_folder,
    make_tariff,
    make_terms,
)
from tests.planning.claims import ROWS, prompts_of

S = EntryStatus


def test_a_claim_whose_journals_cannot_all_be_written_holds_none_of_them(folder, monkeypatch):
    """What was written before the disk was full is a dead run's, with nothing sent: the next claim folds it."""
    written = []

    def create_first_only(journals, manifest):
        if written:
            raise JournalError("no space")
        written.append(create_journal(journals, manifest))
        return written[0]

    from dailies.ledger.journal_writer import create_journal

    with monkeypatch.context() as patched:
        patched.setattr("dailies.ledger.journal_writer.create_journal", create_first_only)
        with pytest.raises(JournalError):
            claim_rows(folder, make_file(*ROWS), make_terms(batch_size=1), NOW)
    (path,) = journal_paths(folder.journals)
    assert not is_live(path)

    claim = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)

    assert prompts_of(claim) == ["a", "b", "c"]
    claim.release()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lock_file_that_is_removed_during_a_claim_lets_no_row_be_bought_twice(folder, monkeypatch, when):
    """Another claim gets past the lost lock, before the first one's journals are visible or after that."""
    others = []

    def claim_meanwhile():
        (folder.path / ".lock").unlink()
        patched.undo()
        others.append(claim_rows(make_folder(folder.path), make_file(*ROWS), make_terms(), NOW))

    def create(journals, manifest):
        if when == "before":
            claim_meanwhile()
        lock = create_journal(journals, manifest)
        if when == "after":
            claim_meanwhile()
        return lock

    from dailies.ledger.journal_writer import create_journal

    with monkeypatch.context() as patched:
        patched.setattr("dailies.ledger.journal_writer.create_journal", create)
        with pytest.raises(LedgerError, match=r"\.lock was removed or replaced"):
            claim_rows(folder, make_file(*ROWS), make_terms(), NOW)

    claimed = [prompt for claim in others for prompt in prompts_of(claim)]
    assert claimed == (["a", "b", "c"] if when == "before" else [])
    live = [path.name for path in journal_paths(folder.journals) if is_live(path)]
    assert live == [batch.batch_id for claim in others for batch in claim.batches]
    for claim in others:
        claim.release()


def test_nothing_is_written_to_the_ledger_once_its_lock_is_lost(folder):
    with folder.lock():
        (folder.path / ".lock").unlink()
        with pytest.raises(LedgerError, match="removed or replaced"):
            folder.put([make_entry()])

    assert folder.entries() == []


def test_a_claim_on_a_full_disk_is_a_ledger_error(folder, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))

    with pytest.raises(LedgerError, match="No space left"):
        claim_rows(folder, make_file(*ROWS), make_terms(), NOW)

    assert journal_paths(folder.journals) == []


def test_a_journal_that_is_folded_between_listing_and_reading_is_found_in_the_ledger(folder, monkeypatch):
    claim = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)
    (batch,) = claim.batches

    def fold_then_replay(path):
        fold_batch(folder, batch.batch_id, "its own run")
        return replay(path)

    monkeypatch.setattr(books_module, "replay", fold_then_replay)
    books = read_snapshot(folder, [row.row_key for row in ROWS], make_tariff(), NOW)

    assert {key: entries[0].status for key, entries in books.entries.items()} == {
        row.row_key: "planned" for row in ROWS
    }
    claim.release()


def test_a_journal_that_is_folded_between_reading_it_and_the_ledger_is_seen_once(folder, monkeypatch):
    folder.put([make_entry("a", batch_id=BATCH, status=S.PROCESSING)])
    claim = claim_rows(folder, make_file(*ROWS), make_terms(), NOW)
    claim.release()

    def replay_then_fold(path):
        state = replay(path)
        fold_batch(folder, path.name, "the next run")
        return state

    monkeypatch.setattr(books_module, "replay", replay_then_fold)
    books = read_snapshot(folder, [row.row_key for row in ROWS], make_tariff(), NOW)

    assert [len(books.entries[row.row_key]) for row in ROWS] == [1, 1, 1]
    assert books.reserved == {ROWS[0].row_key: KLING_5_S_MXN}
