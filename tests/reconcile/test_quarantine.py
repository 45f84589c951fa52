"""A damaged journal: every claim is blocked until a person sets it aside, and then what is given up is said."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from dailies.errors import JournalDamagedError, RefusedError
from dailies.ledger.entry import EntryStatus as S
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal import journal_paths, replay, stray_paths
from dailies.ledger.journal_fold import fold_dead
from dailies.ledger.journal_writer import Journal, create_journal
from dailies.planning.claim import claim_rows
from dailies.reconcile.quarantine import DAMAGED, quarantine_journal
from dailies.reconcile.verify import verify_ledger
from tests.factories import (
    BATCH,
    KLING_5_S_MXN,
    NOW,
    OTHER_BATCH,
    completed,
    make_entry,
    make_file,
    make_folder,
    make_manifest,
    make_row,
    make_terms,
)

ROWS = [make_entry(prompt, source_line=line) for line, prompt in enumerate("abcd", start=2)]


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    return make_folder(tmp_path / "ledger")


@pytest.fixture
async def path(folder: LedgerFolder) -> Path:
    """The journal of a dead run: a is bought, b renders, c was sent, d was not."""
    create_journal(folder.journals, make_manifest(*ROWS)).release()
    path = folder.journals / BATCH
    journal = Journal.own(path, "run-1")
    await journal.put(completed(ROWS[0]), final=True)
    await journal.put(replace(ROWS[1], status=S.PENDING, job_id="job-b", submitted_at=NOW))
    await journal.put(replace(ROWS[2], status=S.IN_DOUBT, submitted_at=NOW))
    await journal.put(replace(ROWS[2], status=S.PENDING, job_id="job-c", submitted_at=NOW))
    journal.close()
    return path


def damage_nothing_but_the_last(path: Path) -> None:
    (path / "000006.jsonl").write_bytes(b'{"kind":"ent')


DAMAGES = {
    "a torn segment": damage_nothing_but_the_last,
    "an empty segment": lambda path: (path / "000006.jsonl").write_bytes(b""),
    "an empty next segment": lambda path: (path / "000007.jsonl").touch(),
    "a missing segment": lambda path: (path / "000005.jsonl").unlink(),
    "an unknown record": lambda path: (path / "000006.jsonl").write_text('{"kind":"entry"}\n'),
    "no record": lambda path: (path / "000006.jsonl").write_text("7\n"),
    "a folder": lambda path: (path / "000007.jsonl").mkdir(),
    "a number": lambda path: (path / "000007.jsonl").write_text('{"kind":"entry","row_key":"x","attempt":1}\n'),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_journal_blocks_a_claim_which_names_the_remedy_and_ends(folder, path, damage):
    damage(path)

    with pytest.raises(JournalDamagedError, match=f"dailies ledger quarantine {BATCH}"):
        claim_rows(folder, make_file(make_row("other")), make_terms(), NOW)

    (finding,) = verify_ledger(folder).findings
    assert f"dailies ledger quarantine {BATCH}" in finding.what


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_what_can_be_read_is_kept_and_what_cannot_stays_reserved(folder, path, damage):
    damage(path)
    found = quarantine_journal(folder, BATCH)

    assert journal_paths(folder.journals) == []
    assert (folder.path / "quarantine" / BATCH / "000001.jsonl").exists()
    entries = {entry.prompt: entry for entry in folder.entries()}
    assert entries["a"].charged_mxn == KLING_5_S_MXN
    assert entries["d"].status is S.IN_DOUBT
    assert {entry.error_code for entry in found.doubtful} == {DAMAGED}
    assert found.doubtful_mxn == len(found.doubtful) * KLING_5_S_MXN
    assert {S.IN_DOUBT, S.PENDING} >= {entries[prompt].status for prompt in "bc"}
    assert verify_ledger(folder).findings == ()


def test_a_job_whose_record_is_lost_is_named(folder, path):
    """Its segment is damaged, so no row has that job; GeekHub's support may."""
    content = (path / "000004.jsonl").read_bytes()
    (path / "000004.jsonl").write_bytes(content.replace(b'{"kind"', b'{"kin'))

    found = quarantine_journal(folder, BATCH)

    assert found.lost_job_ids == ("job-b",)
    assert [entry.prompt for entry in found.doubtful] == ["b", "d"]


def test_without_its_manifest_nothing_is_kept(folder, path):
    (path / "000001.jsonl").unlink()

    found = quarantine_journal(folder, BATCH)

    assert found.kept == ()
    assert len(found.lost_job_ids) == 3
    assert folder.entries() == []


def test_a_row_in_doubt_goes_on_with_its_attempt_and_its_reservation(folder, path):
    (path / "000006.jsonl").write_bytes(b"")
    quarantine_journal(folder, BATCH)

    claim = claim_rows(folder, make_file(make_row("d", source_line=5)), make_terms(), NOW)
    claim.release()

    (row,) = claim.batches[0].rows
    assert (row.entry.status, row.entry.attempt, row.entry.worst_mxn) == (S.IN_DOUBT, 1, KLING_5_S_MXN)
    assert claim.plan.open_mxn == Decimal(2) * KLING_5_S_MXN


def test_a_sound_journal_a_live_one_and_an_unknown_one_are_left_alone(folder, path):
    with pytest.raises(RefusedError, match="sound"):
        quarantine_journal(folder, BATCH)
    with pytest.raises(RefusedError, match="no journal of a batch"):
        quarantine_journal(folder, OTHER_BATCH)
    lock = create_journal(folder.journals, make_manifest(ROWS[0], batch_id=OTHER_BATCH))
    (folder.journals / OTHER_BATCH / "000002.jsonl").touch()
    with pytest.raises(RefusedError, match="stop that run first"):
        quarantine_journal(folder, OTHER_BATCH)
    lock.release()

    assert [replay(path).manifest.batch_id, len(journal_paths(folder.journals))] == [BATCH, 2]
    assert folder.entries() == []


def test_a_stray_folder_among_the_journals_blocks_nothing_and_is_named(folder, path):
    for name in ("lost+found", f"{BATCH} copy", f"{BATCH}.bak", "old"):
        (folder.journals / name).mkdir()
    (folder.journals / "notes.txt").touch()

    claim_rows(folder, make_file(make_row("other")), make_terms(), NOW).release()

    assert len(stray_paths(folder.journals)) == 5
    assert len(verify_ledger(folder).strays) == 5
    assert verify_ledger(folder).findings == ()


def test_a_copy_under_another_batchs_name_is_damaged_not_folded_twice(folder, path):
    path.rename(folder.journals / OTHER_BATCH)

    with folder.lock(), pytest.raises(JournalDamagedError):
        fold_dead(folder, "me")
