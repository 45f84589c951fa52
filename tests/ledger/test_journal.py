"""The journal: what was put is there whatever happens, and whoever was fenced stops."""

import asyncio
import errno
import json
import os
import signal
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from dailies.errors import FencedError, JournalError, RefusedError
from dailies.ledger import journal as journals_module
from dailies.ledger import journal_writer
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal import discard, is_live, journal_paths, replay, seal, sweep
from dailies.ledger.journal_fold import fold_batch, fold_dead
from dailies.ledger.journal_writer import Journal, create_journal, create_journals
from dailies.system import durable as durable_module
from dailies.system.durable import FileLock, create_file
from tests.factories import BATCH, KLING_5_S_MXN, NOW, OTHER_BATCH, completed, make_entry, make_folder, make_manifest
from tests.processes import Child, child

FENCED = 7
ROWS = tuple(make_entry(str(number), source_line=number + 2) for number in range(3))

OWNER = f"""
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from dailies.errors import FencedError
from dailies.ledger.journal_writer import Journal
from dailies.ledger.entry import EntryStatus

async def main():
    journal = Journal.own(Path(sys.argv[1]), "the child")
    rows = [row.entry for row in journal.manifest.rows]
    print("ready", flush=True)
    for number in range(1, 1_000_000):
        if sys.argv[2] == "when told" and not sys.stdin.readline():
            return
        row = rows[number % len(rows)]
        await journal.put(replace(row, status=EntryStatus.PROCESSING, polls=number))
        print(number, flush=True)

try:
    asyncio.run(main())
except FencedError:
    sys.exit({FENCED})
"""


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    return make_folder(tmp_path / "ledger")


@pytest.fixture
def path(folder: LedgerFolder) -> Path:
    """A batch of three rows that was claimed; whoever claimed it has let go."""
    create_journal(folder.journals, make_manifest(*ROWS)).release()
    return folder.journals / BATCH


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[Journal]:
    journal = Journal.own(path, "me")
    yield journal
    await journal.settle()
    journal.close()


def segments(path: Path) -> list[str]:
    return sorted(found.name for found in path.glob("*.jsonl"))


def no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def pending(entry: LedgerEntry) -> LedgerEntry:
    return replace(entry, status=EntryStatus.PENDING, job_id="job-1")


def heard_up_to(number: int, owner: Child) -> int:
    heard = 0
    while heard < number:
        line = owner.hear()
        heard = int(line) if line.isdecimal() else heard
    return heard


def test_a_new_journal_holds_its_manifest_and_is_alive(folder):
    manifest = make_manifest(*ROWS, models=("fal/kling-2", "google/veo-3.1"))
    lock = create_journal(folder.journals, manifest)
    path = folder.journals / BATCH

    assert journal_paths(folder.journals) == [path]
    assert replay(path).manifest == manifest
    assert list(replay(path).latest()) == list(ROWS)
    assert is_live(path)
    lock.release()
    assert not is_live(path)


def test_a_journal_that_cannot_be_written_leaves_nothing_behind(folder, monkeypatch):
    files_open = len(list(Path("/proc/self/fd").iterdir()))
    monkeypatch.setattr(os, "fsync", no_space)

    with pytest.raises(JournalError, match="No space left"):
        create_journal(folder.journals, make_manifest(*ROWS))

    assert list(folder.journals.iterdir()) == []
    assert len(list(Path("/proc/self/fd").iterdir())) == files_open


async def test_an_entry_is_on_disk_when_put_returns(journal, path):
    await journal.put(pending(ROWS[1]))

    assert replay(path).entries[ROWS[1].key] == pending(ROWS[1])
    assert replay(path).entries[ROWS[0].key] == ROWS[0]


async def test_every_kind_of_value_survives_the_journal(journal, path):
    entry = completed(
        make_entry("a «lighthouse»\r\nat\u2028dusk \N{VIDEO CAMERA}\x1f\x85"),
        metadata={"client": "Ñandú\n", "\u2029": "2"},
        submitted_at=NOW.replace(microsecond=1),
        waited_s=0.1 + 0.2,
        charged_mxn=KLING_5_S_MXN,
        error="«»",
    )
    await journal.put(entry)

    assert replay(path).entries[entry.key] == entry


async def test_many_puts_at_once_share_segments_and_all_are_durable(journal, path):
    entries = [make_entry(str(number), status=EntryStatus.PENDING) for number in range(200)]

    await asyncio.gather(*(journal.put(entry) for entry in entries))

    assert len(segments(path)) < 10
    found = replay(path).entries
    assert all(found[entry.key] == entry for entry in entries)


async def test_the_last_put_of_an_entry_wins(journal, path):
    versions = [replace(ROWS[0], status=EntryStatus.PROCESSING, polls=polls) for polls in range(50)]

    await asyncio.gather(*(journal.put(version) for version in versions))

    assert replay(path).entries[ROWS[0].key] == versions[-1]


async def test_a_put_whose_caller_was_cancelled_is_still_written(journal, path):
    putting = asyncio.create_task(journal.put(pending(ROWS[0])))
    await asyncio.sleep(0)
    putting.cancel()
    await asyncio.gather(putting, return_exceptions=True)

    await journal.settle()

    assert replay(path).entries[ROWS[0].key] == pending(ROWS[0])


async def test_a_writer_that_is_cancelled_leaves_nobody_waiting(journal, path, monkeypatch):
    """As happens when an event loop is closed in the middle of a run."""
    began, go_on = threading.Event(), threading.Event()

    def slow_create_file(target: Path, content: bytes) -> None:
        began.set()
        go_on.wait(60)
        create_file(target, content)

    monkeypatch.setattr(journal_writer, "create_file", slow_create_file)
    first = asyncio.create_task(journal.put(pending(ROWS[0])))
    await asyncio.to_thread(began.wait, 60)
    second = asyncio.create_task(journal.put(pending(ROWS[1])))
    await asyncio.sleep(0)
    assert journal._writer is not None
    journal._writer.cancel()
    outcomes = await asyncio.gather(first, second, return_exceptions=True)
    go_on.set()

    assert [type(outcome) for outcome in outcomes] == [JournalError, JournalError]
    with pytest.raises(JournalError):
        await journal.put(pending(ROWS[2]))


async def test_a_writer_that_is_cancelled_before_it_began_is_started_again(journal, path):
    putting = asyncio.create_task(journal.put(pending(ROWS[0])))
    await asyncio.sleep(0)
    assert journal._writer is not None
    journal._writer.cancel()

    await journal.settle()
    await putting

    assert replay(path).entries[ROWS[0].key] == pending(ROWS[0])


async def test_finished_rows_and_later_attempts_are_told_by_the_journal(journal, path):
    second = make_entry("0", attempt=2, status=EntryStatus.FAILED)
    await journal.put(replace(ROWS[0], status=EntryStatus.FAILED))
    await journal.put(second, final=True)

    state = replay(path)

    assert state.finished == {ROWS[0].row_key}
    assert [entry.attempt for entry in state.latest()] == [2, 1, 1]
    assert (state.owner, state.sealed) == ("me", False)


async def test_a_batch_has_one_owner(journal, path):
    with pytest.raises(FencedError, match="belongs to another run"):
        Journal.own(path, "another")


def test_of_two_who_want_a_batch_at_the_same_moment_one_gets_it(path, monkeypatch):
    """Both have read that nobody owns it; the segment's number decides."""
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


@pytest.mark.parametrize("call", ["fsync", "link"])
async def test_a_full_disk_ends_all_writing_for_good(journal, path, monkeypatch, call):
    with monkeypatch.context() as patched:
        patched.setattr(os, call, no_space)
        outcomes = await asyncio.gather(*(journal.put(pending(row)) for row in ROWS), return_exceptions=True)
    before = segments(path)

    with pytest.raises(JournalError, match="No space left"):
        await journal.put(pending(ROWS[0]))

    assert {type(outcome) for outcome in outcomes} == {JournalError}
    assert segments(path) == before == ["000001.jsonl", "000002.jsonl"]
    assert isinstance(journal.fault, JournalError)


async def test_a_folder_that_cannot_be_made_durable_counts_as_not_written(journal, monkeypatch):
    """The segment may be there or not after a power cut, so nobody may rely on it."""
    fsync = os.fsync

    def fsync_files_only(fd: int) -> None:
        no_space() if Path(f"/proc/self/fd/{fd}").resolve().is_dir() else fsync(fd)

    monkeypatch.setattr(os, "fsync", fsync_files_only)

    with pytest.raises(JournalError):
        await journal.put(pending(ROWS[0]))


async def test_without_threads_to_be_had_a_put_fails_instead_of_hanging(journal, monkeypatch):
    def no_thread(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(journal_writer._WRITERS, "submit", no_thread)

    with pytest.raises(JournalError, match="can't start new thread"):
        await journal.put(pending(ROWS[0]))


def test_a_paused_owner_that_was_taken_over_stops_at_its_next_write(folder, path):
    with child(OWNER, path, "when told") as owner:
        assert owner.hear() == "ready"
        owner.say("go on")
        heard_up_to(1, owner)
        owner.signal(signal.SIGSTOP)
        assert is_live(path)
        with folder.lock():
            assert fold_dead(folder, "me") == []
            assert fold_dead(folder, "me", take_over=frozenset({BATCH})) == [BATCH]
        owner.say("go on")
        owner.signal(signal.SIGCONT)

        assert owner.end() == FENCED
    assert sorted(entry.polls for entry in folder.entries()) == [0, 0, 1]
    assert journal_paths(folder.journals) == []


def test_an_owner_paused_at_any_moment_has_everything_it_was_told_is_durable_in_the_ledger(folder, path):
    with child(OWNER, path, "without a break") as owner:
        heard = heard_up_to(40, owner)
        owner.signal(signal.SIGSTOP)
        with folder.lock():
            fold_dead(folder, "me", take_over=frozenset({BATCH}))
        owner.signal(signal.SIGCONT)
        while line := owner.hear():
            heard = int(line)

        assert owner.end() == FENCED
    assert max(entry.polls for entry in folder.entries()) >= heard


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


def test_more_batches_than_there_may_be_open_files_are_refused_before_anything_is_written(folder, monkeypatch):
    monkeypatch.setattr(durable_module.resource, "getrlimit", lambda _: (1024, 1024))
    manifests = [make_manifest(make_entry())] * 400

    with pytest.raises(RefusedError, match="400 batches need more open files"):
        create_journals(folder, manifests)

    assert not journal_paths(folder.journals)


async def test_writing_goes_on_while_every_thread_of_the_loop_waits_for_something_else(path):
    own, waiting = Journal.own(path, "me"), threading.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    blocked = asyncio.ensure_future(asyncio.to_thread(waiting.wait))

    async with asyncio.timeout(10):
        await own.put(make_entry(status=EntryStatus.IN_DOUBT))

    waiting.set()
    await blocked
    own.close()


def test_what_a_crash_left_is_swept(folder, path):
    for leftover in (f".{OTHER_BATCH}.folded", f".{OTHER_BATCH}.new"):
        (folder.journals / leftover).mkdir()
        (folder.journals / leftover / "000001.jsonl").touch()

    sweep(folder.journals)

    assert list(folder.journals.iterdir()) == [path]


def test_drafts_of_a_write_that_was_cut_off_are_not_read(path):
    (path / ".000002.jsonl.0a1b2c3d").write_bytes(b'{"kind":"se')

    assert replay(path).segments == 1


def test_stray_files_beside_the_journals_are_not_taken_for_one(folder, path):
    (folder.journals / "notes.txt").touch()

    assert journal_paths(folder.journals) == [path]


async def test_records_are_lines_of_json_that_say_what_changed(journal, path):
    await journal.put(pending(ROWS[0]))

    (record,) = map(json.loads, (path / "000003.jsonl").read_text().splitlines())
    assert record == {
        "kind": "entry",
        "row_key": ROWS[0].row_key,
        "attempt": 1,
        "final": False,
        "changes": {"job_id": "job-1", "status": "pending"},
    }


async def test_an_owner_finds_out_without_writing_that_its_batch_was_sealed(path):
    own = Journal.own(path, "me")
    await own.put(pending(ROWS[0]))
    own.require_ours()
    seal(path, "another run")

    with pytest.raises(FencedError):
        own.require_ours()
    with pytest.raises(FencedError):
        await own.put(pending(ROWS[1]))
    own.close()


async def test_an_owner_finds_out_without_writing_that_its_batch_was_folded(folder, path):
    own = Journal.own(path, "me")
    with folder.lock():
        fold_dead(folder, "another run", frozenset([path.name]))

    with pytest.raises(FencedError):
        own.require_ours()
    own.close()


async def test_an_owner_that_is_writing_does_not_take_its_own_segment_for_a_seal(path, monkeypatch):
    own, created, go_on = Journal.own(path, "me"), threading.Event(), threading.Event()

    def create_slowly(place: Path, content: bytes) -> None:
        create_file(place, content)
        created.set()
        go_on.wait()

    monkeypatch.setattr(journal_writer, "create_file", create_slowly)
    put = asyncio.ensure_future(own.put(pending(ROWS[0])))
    await asyncio.to_thread(created.wait)
    own.require_ours()
    go_on.set()
    await put
    own.require_ours()
    own.close()


def test_sealing_a_journal_with_an_empty_next_segment_ends(path):
    (path / "000002.jsonl").touch()

    with pytest.raises(JournalError, match="segment 2 is empty"):
        seal(path, "me")
