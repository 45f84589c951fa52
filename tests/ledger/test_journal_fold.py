"""Folding: a journal's entries go into the ledger and the journal goes away, whatever happens in between."""

import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dailies.errors import JournalError, LedgerError
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.journal import journal_paths, seal
from dailies.ledger.journal_fold import fold_batch, fold_dead
from dailies.ledger.journal_writer import create_journal
from tests.factories import BATCH, OTHER_BATCH, completed, make_entry, make_folder, make_manifest, version_of
from tests.ledger.journals import ROWS

STATUSES = [
    EntryStatus.PLANNED,
    EntryStatus.IN_DOUBT,
    EntryStatus.PENDING,
    EntryStatus.PROCESSING,
    EntryStatus.COMPLETED,
]


def no_space(*_: object) -> None:
    raise OSError(28, "No space left on device")


def pending(entry: LedgerEntry) -> LedgerEntry:
    return replace(entry, status=EntryStatus.PENDING, job_id="job-1")


async def test_what_was_put_before_the_disk_was_full_can_be_taken_over(journal, folder, monkeypatch):
    await journal.put(pending(ROWS[0]))
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", no_space)
        with pytest.raises(JournalError):
            await journal.put(pending(ROWS[1]))

    state = fold_batch(folder, BATCH, "the next run")

    assert state is not None
    assert [entry.status for entry in folder.entries()] == ["pending", "planned", "planned"]


async def test_a_crash_between_folding_and_removal_changes_nothing(journal, folder, path):
    await journal.put(completed(ROWS[0]), final=True)
    journal.close()
    folder.put(seal(path, "the run that crashed").entries.values())
    before, file = folder.entries(), version_of(folder.batch_file(BATCH))

    with folder.lock():
        assert fold_dead(folder, "the next run") == [BATCH]

    assert folder.entries() == before
    assert version_of(folder.batch_file(BATCH)) == file
    assert journal_paths(folder.journals) == []
    assert fold_batch(folder, BATCH, "the next run") is None


def test_a_batch_that_was_never_owned_is_folded_as_planned(folder, path):
    fold_batch(folder, BATCH, "me")

    assert [entry.status for entry in folder.entries()] == ["planned"] * 3


def test_rows_of_an_older_batch_go_back_into_its_file(folder):
    older = make_entry(batch_id=OTHER_BATCH, status=EntryStatus.PENDING)
    create_journal(folder.journals, make_manifest(older, make_entry("new"))).release()

    fold_batch(folder, BATCH, "me")

    assert {path.stem for path in folder.files()} == {BATCH, OTHER_BATCH}


def test_a_live_journal_is_left_alone(folder):
    lock = create_journal(folder.journals, make_manifest(*ROWS))

    with folder.lock():
        assert fold_dead(folder, "me") == []
    lock.release()
    with folder.lock():
        assert fold_dead(folder, "me") == [BATCH]


async def test_the_ledger_has_what_the_journal_had_and_the_journal_is_gone(journal, folder, path):
    await journal.put(pending(ROWS[0]))
    second = replace(ROWS[1], attempt=2)
    await journal.put(second)

    state = fold_batch(folder, BATCH, "me")

    assert state is not None
    assert {entry.key: entry for entry in folder.entries()} == state.entries
    assert {entry.key for entry in folder.entries()} == {*(row.key for row in ROWS), second.key}
    assert list(folder.journals.iterdir()) == []


def test_folding_what_somebody_else_has_folded_does_nothing(folder, path):
    assert fold_batch(folder, BATCH, "one") is not None
    assert fold_batch(folder, BATCH, "another") is None


def test_a_full_disk_leaves_the_journal_and_the_next_fold_succeeds(folder, path, monkeypatch):
    seal(path, "the run that crashed")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", no_space)
        with pytest.raises(LedgerError, match="No space left"):
            fold_batch(folder, BATCH, "me")
    assert journal_paths(folder.journals) == [path]

    fold_batch(folder, BATCH, "me")

    assert len(folder.entries()) == 3


def test_a_damaged_journal_is_kept_and_told(folder, path):
    (path / "000001.jsonl").write_bytes(b"{")

    with folder.lock(), pytest.raises(JournalError, match="damaged"):
        fold_dead(folder, "me")

    assert journal_paths(folder.journals) == [path]
    assert folder.entries() == []


def test_what_a_crash_left_of_earlier_folds_and_claims_is_swept(folder):
    leftovers = [folder.journals / f".{OTHER_BATCH}.folded", folder.journals / f".{OTHER_BATCH}.new"]
    for leftover in leftovers:
        leftover.mkdir()
    folder.put([make_entry()])
    draft = folder.batch_file(BATCH).with_name(f".{BATCH}.parquet.0a1b2c3d")
    draft.touch()

    with folder.lock():
        assert fold_dead(folder, "me") == []

    assert not any(leftover.exists() for leftover in (*leftovers, draft))


claims = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(STATUSES)), min_size=1, max_size=3, unique_by=lambda c: c[0]
)


@settings(max_examples=15)
@given(st.lists(claims, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_journals_may_be_folded_in_any_order(tmp_path_factory, batches, chance):
    """Several runs may have worked on a row of one batch; the one that came furthest decides."""
    manifests = [
        make_manifest(
            *(make_entry(prompt, batch_id=BATCH, status=status) for prompt, status in rows),
            batch_id=f"20261112T180000-{number:08x}",
        )
        for number, rows in enumerate(batches)
    ]
    found = []
    for order in (manifests, chance.sample(manifests, len(manifests))):
        folder = make_folder(tmp_path_factory.mktemp("ledger"))
        for manifest in manifests:
            create_journal(folder.journals, manifest).release()
        for manifest in order:
            fold_batch(folder, manifest.batch_id, "me")
        found.append({entry.key: entry for entry in folder.entries()})

    assert found[0] == found[1]
    for entry in found[0].values():
        claimed = [status for rows in batches for prompt, status in rows if prompt == entry.prompt]
        assert entry.status is max(claimed, key=lambda status: status.rank)
