"""Writing that survives a crash, and locks that die with their process: the file system's part of the promises."""

import contextlib
import errno
import fcntl
import os
import resource
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from dailies.errors import LedgerError
from dailies.system.failpoints import Failpoint, reach

_OTHER_FILES = 256


def sync_folder(folder: Path) -> None:
    """Make the folder's own entries durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextlib.contextmanager
def _draft(path: Path, write: Callable[[BinaryIO], object]) -> Iterator[Path]:
    """A durable, dot-prefixed file beside ``path``, gone afterwards unless it was renamed."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def replace_file(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file whole and put it in place of the old one: readers see either, never a part.

    Raises:
        FileExistsError: what has that name is a pipe, a device or a folder.
    """
    path = Path(os.path.realpath(path))  # a symbolic link stays one
    if path.exists() and not path.is_file():
        raise FileExistsError(errno.EEXIST, "what is there is no ordinary file", str(path))
    with _draft(path, write) as draft:
        reach(Failpoint.BEFORE_REPLACE)
        draft.replace(path)
    sync_folder(path.parent)


def create_file(path: Path, content: bytes) -> None:
    """Write a file whole and make it visible only if nobody else has made one of that name.

    Raises:
        FileExistsError: somebody has.
        FileNotFoundError: the folder is gone.
    """
    with _draft(path, lambda file: _write_all(file, content)) as draft:
        reach(Failpoint.BEFORE_LINK)
        os.link(draft, path)
    sync_folder(path.parent)


def _write_all(file: BinaryIO, content: bytes) -> None:
    file.write(content)


def allow_open_files(count: int) -> bool:
    """Let this process hold so many files open, beside those it has; False where the system forbids it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + _OTHER_FILES
    if soft == resource.RLIM_INFINITY or wanted <= soft:
        return True
    with contextlib.suppress(ValueError, OSError):  # beyond the hard limit, or what the kernel allows
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return True
    return False


class FileLock:
    """A ``flock`` on a file. It belongs to the process: when that dies, however it dies, the lock is free.

    Never fork while holding one; a child that is started by ``exec`` does not inherit it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def try_acquire(self, *, shared: bool = False) -> bool:
        """Take the lock if nobody holds it; False if somebody does, or if the file is gone."""
        assert self._fd is None, "already held"
        try:
            fd = os.open(self.path, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            if os.fstat(fd).st_ino == self.path.stat().st_ino:
                self._fd, fd = fd, -1
                return True
        except (BlockingIOError, FileNotFoundError):
            pass
        finally:
            if fd >= 0:
                os.close(fd)
        return False

    def release(self) -> None:
        """Let go; nothing happens where it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


@contextlib.contextmanager
def exclusive(path: Path, *, wait_s: float, who: str) -> Iterator[None]:
    """Hold a lock on ``path`` (made if missing), waiting for others.

    Raises:
        LedgerError: it was still held after ``wait_s`` seconds.
    """
    path.touch(exist_ok=True)
    lock = FileLock(path)
    give_up_at = time.monotonic() + wait_s
    while not lock.try_acquire():
        if time.monotonic() > give_up_at:
            raise LedgerError(
                f"{who} is locked by another process for more than {wait_s:.0f} s; wait for it to end and try again"
            )
        time.sleep(0.02)
    try:
        yield
    finally:
        lock.release()
