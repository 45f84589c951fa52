"""The journal: what was put is there whatever happens, and a process that was fenced stops."""

import asyncio
import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from dailies.errors import FencedError, JournalError, RefusedError
from dailies.ledger import journal_writer
from dailies.ledger.entry import EntryStatus
from dailies.ledger.journal import is_live, journal_paths, replay, seal, sweep
from dailies.ledger.journal_fold import fold_dead
from dailies.ledger.journal_writer import Journal, create_journal, create_journals
from dailies.system import durable as durable_module
from dailies.system.durable import create_file
from tests.factories import BATCH, KLING_5_S_MXN, NOW, OTHER_BATCH, completed, make_entry, make_manifest
from tests.ledger.journals import FENCED, OWNER, ROWS, heard_up_to, no_space, pending, segments
from tests.processes import child


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
    """The segment may be there or not after a power cut, so no caller may rely on it."""
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
    with child(OWNER, path, "on request") as owner:
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
