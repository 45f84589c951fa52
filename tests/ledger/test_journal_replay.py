"""Reading a journal: after a kill, while it is written or folded, and when it is damaged."""

import threading
from pathlib import Path

import pytest

from dailies.errors import JournalError
from dailies.ledger import journal as journals_module
from dailies.ledger.journal import discard, is_live, replay, seal
from dailies.ledger.journal_fold import fold_batch, fold_dead
from dailies.system.durable import FileLock, create_file
from tests.factories import BATCH
from tests.ledger.journals import OWNER, heard_up_to, segments
from tests.processes import child


def test_replaying_after_a_kill_gives_everything_up_to_some_put_and_nothing_after_it(path):
    with child(OWNER, path, "without a break") as owner:
        heard = heard_up_to(40, owner)
        owner.kill()

    polls = sorted(entry.polls for entry in replay(path).entries.values())

    assert not is_live(path)
    assert polls == list(range(polls[0], polls[0] + 3))
    assert polls[-1] >= heard


def test_a_journal_can_be_read_while_it_is_being_written(path):
    """A listing that is made meanwhile may show a segment and not the one before it."""
    done = threading.Event()

    def write() -> None:
        for number in range(2, 150):
            create_file(path / f"{number:06d}.jsonl", b'{"kind":"owner","who":"me"}\n')
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = 0
    while not done.is_set():
        assert replay(path).segments >= seen
        seen = replay(path).segments
    writer.join()
    assert replay(path).segments == 149


def test_a_listing_that_leaves_out_a_segment_does_no_harm(path, monkeypatch):
    create_file(path / "000002.jsonl", b'{"kind":"owner","who":"me"}\n')
    create_file(path / "000003.jsonl", b'{"kind":"seal","by":"me"}\n')
    everything = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda self: (p for p in everything(self) if p.name != "000002.jsonl"))

    assert replay(path).sealed


def test_a_missing_segment_is_damage(path):
    create_file(path / "000003.jsonl", b'{"kind":"seal","by":"me"}\n')

    with pytest.raises(JournalError, match=r"damaged.*segment 2 is missing"):
        replay(path)


@pytest.mark.parametrize("line", ["{", "[]", '{"kind":"entry"}', '{"kind":"entry","row_key":"x","attempt":1}'])
def test_a_segment_that_makes_no_sense_is_damage_and_is_kept(folder, path, line):
    create_file(path / "000002.jsonl", line.encode())

    with folder.lock(), pytest.raises(JournalError, match="damaged"):
        fold_dead(folder, "me")

    assert segments(path)[:2] == ["000001.jsonl", "000002.jsonl"]


def test_a_journal_without_a_manifest_is_damage(path):
    (path / "000001.jsonl").unlink()

    with pytest.raises(JournalError, match="damaged"):
        replay(path)


def test_replaying_a_journal_that_was_folded_says_so(folder, path):
    fold_batch(folder, BATCH, "me")

    with pytest.raises(FileNotFoundError):
        replay(path)
    with pytest.raises(FileNotFoundError):
        seal(path, "me")


def test_replaying_a_journal_that_is_folded_in_the_middle_never_gives_a_part_of_it(path, monkeypatch):
    create_file(path / "000002.jsonl", b'{"kind":"owner","who":"me"}\n')
    read_bytes = Path.read_bytes

    def read_then_fold(segment: Path) -> bytes:
        content = read_bytes(segment)
        if path.exists():
            discard(path)
        return content

    monkeypatch.setattr(Path, "read_bytes", read_then_fold)

    with pytest.raises(FileNotFoundError):
        replay(path)


def test_a_journal_whose_process_was_killed_is_dead(folder):
    create = """
import sys
from pathlib import Path
from dailies.ledger.journal_writer import create_journal
from tests.factories import make_entry, make_manifest
lock = create_journal(Path(sys.argv[1]), make_manifest(make_entry()))
print("claimed", flush=True)
sys.stdin.readline()
"""
    with child(create, folder.journals) as claimant:
        assert claimant.hear() == "claimed"
        assert is_live(folder.journals / BATCH)
        claimant.kill()

    assert not is_live(folder.journals / BATCH)


def test_somebody_who_asks_at_the_same_moment_does_not_make_a_dead_journal_look_alive(path, monkeypatch):
    other = FileLock(path / "lock")
    assert other.try_acquire()
    monkeypatch.setattr(journals_module.time, "sleep", lambda _: other.release())

    assert not is_live(path)


def test_a_journal_without_its_lock_file_as_a_copy_may_be_is_dead(path):
    (path / "lock").unlink()

    assert not is_live(path)
