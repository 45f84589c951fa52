"""The owner of a journal: one at a time, and fenced once its batch is sealed or folded."""

import os
from pathlib import Path

import pytest

from dailies.errors import FencedError, JournalError
from dailies.ledger import journal as journals_module
from dailies.ledger import journal_writer
from dailies.ledger.journal import is_live, replay, seal
from dailies.ledger.journal_fold import fold_batch
from dailies.ledger.journal_writer import Journal
from dailies.system.durable import FileLock, create_file
from tests.factories import BATCH
from tests.ledger.journals import ROWS, no_space, pending, segments


async def test_a_batch_has_one_owner(journal, path):
    with pytest.raises(FencedError, match="belongs to another run"):
        Journal.own(path, "another")


def test_of_two_who_want_a_batch_at_the_same_moment_one_gets_it(path, monkeypatch):
    """Both have read that it has no owner; the segment's number decides."""
    replayed = journals_module.replay

    def replay_then_lose(where: Path) -> journals_module.JournalState:
        state = replayed(where)
        create_file(where / "000002.jsonl", b'{"kind":"owner","who":"the other"}\n')
        return state

    monkeypatch.setattr(journal_writer, "replay", replay_then_lose)

    with pytest.raises(FencedError):
        Journal.own(path, "me")

    assert not is_live(path)


def test_a_sealed_batch_cannot_be_owned(path):
    seal(path, "another")

    with pytest.raises(FencedError):
        Journal.own(path, "me")


def test_a_folded_batch_cannot_be_owned(folder, path):
    fold_batch(folder, BATCH, "another")

    with pytest.raises(FencedError):
        Journal.own(path, "me")


def test_a_batch_that_cannot_be_written_cannot_be_owned(path, monkeypatch):
    monkeypatch.setattr(os, "fsync", no_space)

    with pytest.raises(JournalError, match="No space left") as caught:
        Journal.own(path, "me")

    assert not isinstance(caught.value, FencedError)
    assert not is_live(path)


async def test_the_owner_of_a_sealed_journal_stops_at_its_next_put(journal, path):
    await journal.put(pending(ROWS[0]))
    sealed = seal(path, "another")

    for _ in range(2):
        with pytest.raises(FencedError):
            await journal.put(pending(ROWS[1]))

    assert isinstance(journal.fault, FencedError)
    assert replay(path).entries == sealed.entries


async def test_the_owner_of_a_folded_journal_stops_at_its_next_put(journal, folder, path):
    await journal.put(pending(ROWS[0]))
    fold_batch(folder, BATCH, "another")

    with pytest.raises(FencedError):
        await journal.put(pending(ROWS[1]))

    assert [entry.status for entry in folder.entries()] == ["pending", "planned", "planned"]
    assert not path.exists()


def test_sealing_twice_is_sealing_once(path):
    assert seal(path, "one") == seal(path, "another")
    assert segments(path) == ["000001.jsonl", "000002.jsonl"]


def test_sealing_reads_what_the_owner_writes_at_the_last_moment(path, monkeypatch):
    replayed, moments = journals_module.replay, iter([pending(ROWS[0])])

    def replay_before_a_write(where: Path) -> journals_module.JournalState:
        state = replayed(where)
        for entry in moments:
            journal = Journal(where, state, FileLock(where / "lock"))
            create_file(where / "000002.jsonl", journal._change(entry, final=False))
        return state

    monkeypatch.setattr(journals_module, "replay", replay_before_a_write)

    assert seal(path, "another").entries[ROWS[0].key] == pending(ROWS[0])


def test_a_journal_that_cannot_be_sealed_is_told(path, monkeypatch):
    monkeypatch.setattr(os, "fsync", no_space)

    with pytest.raises(JournalError, match="No space left"):
        seal(path, "another")
