"""Files that are whole or not there, and locks that die with their process."""

import errno
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dailies.errors import LedgerError
from dailies.system import durable
from dailies.system.durable import FileLock, create_file, exclusive, replace_file
from tests.processes import child

WRITE_FOR_EVER = """
import sys
from pathlib import Path
from dailies.system.durable import create_file
number = 0
while True:
    number += 1
    create_file(Path(sys.argv[1]) / f"{number:06d}", f"{number:06d}".encode() * 20_000)
    print(number, flush=True)
"""

HOLD = """
import sys
from pathlib import Path
from dailies.system.durable import FileLock
lock = FileLock(Path(sys.argv[1]))
print("held" if lock.try_acquire(shared=sys.argv[2] == "shared") else "free", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    path = tmp_path / "lock"
    path.touch()
    return path


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_is_created_once_and_keeps_its_first_content(tmp_path):
    create_file(tmp_path / "000001", b"first")

    with pytest.raises(FileExistsError):
        create_file(tmp_path / "000001", b"second")

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"000001": b"first"}


def test_of_many_who_create_a_file_at_once_exactly_one_succeeds(tmp_path):
    def attempt(who: int) -> bool:
        try:
            create_file(tmp_path / "000001", str(who).encode() * 1000)
        except FileExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = [who for who, created in enumerate(pool.map(attempt, range(16))) if created]

    (winner,) = won
    assert (tmp_path / "000001").read_bytes() == str(winner).encode() * 1000


def test_a_file_cannot_be_created_in_a_folder_that_is_gone(tmp_path):
    with pytest.raises(FileNotFoundError):
        create_file(tmp_path / "gone" / "000001", b"")


def test_whoever_is_killed_while_writing_leaves_whole_files_only(tmp_path):
    with child(WRITE_FOR_EVER, tmp_path) as writer:
        while writer.hear() != "20":
            pass
        writer.kill()

    visible = sorted(path for path in tmp_path.iterdir() if not path.name.startswith("."))
    assert [path.name for path in visible] == [f"{number:06d}" for number in range(1, len(visible) + 1)]
    assert len(visible) >= 20
    assert all(path.read_bytes() == path.name.encode() * 20_000 for path in visible)


def test_a_file_is_replaced_where_a_link_leads_and_a_pipe_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    real, link, pipe = tmp_path / "elsewhere/real", tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(real)
    replace_file(link, lambda file: file.write(b"new"))
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    os.mkfifo(pipe)
    with pytest.raises(FileExistsError, match="no ordinary file"):
        replace_file(pipe, lambda file: file.write(b"new"))
    assert pipe.is_fifo()


@pytest.mark.parametrize("write", [create_file, lambda path, content: replace_file(path, lambda f: f.write(content))])
def test_a_file_that_cannot_be_made_durable_is_not_made_at_all(tmp_path, monkeypatch, write):
    monkeypatch.setattr(os, "fsync", full_disk)

    with pytest.raises(OSError, match="No space"):
        write(tmp_path / "new", b"content")

    assert list(tmp_path.iterdir()) == []


def test_a_file_is_durable_before_it_is_visible_and_its_folder_afterwards(tmp_path, monkeypatch):
    seen = []
    fsync = os.fsync

    def spy(fd: int) -> None:
        seen.append((Path(f"/proc/self/fd/{fd}").readlink() == tmp_path, (tmp_path / "new").exists()))
        fsync(fd)

    monkeypatch.setattr(os, "fsync", spy)
    create_file(tmp_path / "new", b"content")

    assert seen == [(False, False), (True, True)]


def test_a_failed_replacement_leaves_the_old_file(tmp_path):
    path = tmp_path / "books"
    replace_file(path, lambda file: file.write(b"old"))

    def break_off(file):
        file.write(b"ne")
        full_disk()

    with pytest.raises(OSError, match="No space"):
        replace_file(path, break_off)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"books": b"old"}


@pytest.mark.parametrize("kind", ["shared", "exclusive"])
def test_a_lock_dies_with_its_process(lock_file, kind):
    mine = FileLock(lock_file)
    with child(HOLD, lock_file, kind) as holder:
        assert holder.hear() == "held"
        assert not mine.try_acquire()
        holder.kill()

        assert mine.try_acquire()
    mine.release()


def test_shared_holders_get_along_and_keep_an_exclusive_one_out(lock_file):
    one, other, alone = FileLock(lock_file), FileLock(lock_file), FileLock(lock_file)

    assert one.try_acquire(shared=True)
    assert other.try_acquire(shared=True)
    assert not alone.try_acquire()
    one.release()
    assert not alone.try_acquire()
    other.release()
    assert alone.try_acquire()
    assert not one.try_acquire(shared=True)
    alone.release()


def test_releasing_twice_is_harmless(lock_file):
    lock = FileLock(lock_file)
    assert lock.try_acquire()

    lock.release()
    lock.release()

    assert lock.try_acquire()
    lock.release()


def test_a_lock_whose_file_is_gone_cannot_be_had(tmp_path):
    assert not FileLock(tmp_path / "lock").try_acquire()


@pytest.mark.parametrize("replaced", [True, False])
def test_a_lock_on_a_file_that_was_removed_meanwhile_counts_for_nothing(lock_file, monkeypatch, replaced):
    """Between opening and locking, the file may go away, or another one may take its name."""
    flock = durable.fcntl.flock

    def slow_flock(fd: int, how: int) -> None:
        lock_file.unlink()
        if replaced:
            lock_file.with_name("other").touch()
            lock_file.with_name("other").rename(lock_file)
        flock(fd, how)

    monkeypatch.setattr(durable.fcntl, "flock", slow_flock)

    assert not FileLock(lock_file).try_acquire()


def test_a_lock_is_lost_when_its_file_is_removed_or_replaced(lock_file):
    lock = FileLock(lock_file)
    assert not lock.is_held()
    assert lock.try_acquire()
    assert lock.is_held()

    lock_file.unlink()
    assert not lock.is_held()
    lock_file.touch()
    assert not lock.is_held()
    lock.release()


def test_waiting_goes_on_when_the_file_is_removed_meanwhile(lock_file, monkeypatch):
    other = FileLock(lock_file)
    assert other.try_acquire()
    monkeypatch.setattr(durable.time, "sleep", lambda _: lock_file.unlink(missing_ok=True))

    with exclusive(lock_file, wait_s=60, who="the ledger") as lock:
        assert lock.is_held()
    other.release()


def test_a_program_that_is_started_meanwhile_does_not_keep_the_lock(lock_file):
    lock = FileLock(lock_file)
    assert lock.try_acquire()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as program:
        lock.release()

        assert lock.try_acquire()
        lock.release()
        program.communicate(b"\n")


def test_waiting_for_a_lock_ends_with_a_message_that_says_whose_it_is(lock_file):
    with (
        exclusive(lock_file, wait_s=1, who="the ledger"),
        pytest.raises(LedgerError, match="the ledger is locked by another process"),
        exclusive(lock_file, wait_s=0, who="the ledger"),
    ):
        pytest.fail("two held it")


def test_a_lock_is_free_again_after_an_error(lock_file):
    with pytest.raises(ZeroDivisionError), exclusive(lock_file, wait_s=1, who="the ledger"):
        raise ZeroDivisionError

    with exclusive(lock_file, wait_s=0, who="the ledger"):
        pass
