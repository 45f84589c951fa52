"""Durable files, and locks that end with their process: what the promises ask of the file system."""

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
    """Make the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_folders(folder: Path) -> None:
    """Make a folder and its missing parents; the name of each is durable before the next one is made.

    Raises:
        OSError: one cannot be made.
    """
    missing: list[Path] = []
    place = folder
    while not place.exists():
        missing.append(place)
        place = place.parent
    for path in reversed(missing or [folder]):
        path.mkdir(exist_ok=True)
        if missing:
            sync_folder(path.parent)


@contextlib.contextmanager
def _draft(path: Path, write: Callable[[BinaryIO], object]) -> Iterator[Path]:
    """Write a durable, dot-prefixed file beside ``path``; remove it afterwards, unless it was renamed."""
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
    """Write a whole file and put it in place of the old one: readers see one of the two, never a part.

    Raises:
        FileExistsError: a pipe, a device or a folder has that name.
    """
    path = Path(os.path.realpath(path))  # a symbolic link stays one
    if path.exists() and not path.is_file():
        raise FileExistsError(errno.EEXIST, "this is no ordinary file", str(path))
    with _draft(path, write) as draft:
        reach(Failpoint.BEFORE_REPLACE)
        draft.replace(path)
    sync_folder(path.parent)


def replace_bytes(path: Path, content: bytes) -> None:
    """Replace a file as ``replace_file`` does, with content that is known."""
    replace_file(path, lambda file: _write(file, content))


def create_file(path: Path, content: bytes) -> None:
    """Write a whole file and make it visible only if no file of that name exists.

    Raises:
        FileExistsError: one exists.
        FileNotFoundError: the folder is gone.
    """
    with _draft(path, lambda file: _write(file, content)) as draft:
        reach(Failpoint.BEFORE_LINK)
        os.link(draft, path)
    sync_folder(path.parent)


def _write(file: BinaryIO, content: bytes) -> None:
    file.write(content)


def allow_open_files(count: int) -> bool:
    """Raise this process's limit of open files by ``count``; return False where the system forbids it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + _OTHER_FILES
    if soft == resource.RLIM_INFINITY or wanted <= soft:
        return True
    with contextlib.suppress(ValueError, OSError):  # beyond the hard limit, or what the kernel allows
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return True
    return False


class FileLock:
    """A ``flock`` on a file. It belongs to the process and ends with it, however the process ends.

    Never fork while holding one. A child that is started by ``exec`` does not inherit it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def try_acquire(self, *, shared: bool = False) -> bool:
        """Take the lock; return False if another process holds it, or if the file is gone."""
        assert self._fd is None, "already held"
        try:
            fd = os.open(self.path, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            if self._is_at_path(fd):
                self._fd, fd = fd, -1
                return True
        except BlockingIOError:
            pass
        finally:
            if fd >= 0:
                os.close(fd)
        return False

    def is_held(self) -> bool:
        """Return whether the lock still excludes others: it is held, and its file was not removed or replaced."""
        return self._fd is not None and self._is_at_path(self._fd)

    def _is_at_path(self, fd: int) -> bool:
        try:
            here, there = os.fstat(fd), self.path.stat()
        except OSError:
            return False
        return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)

    def release(self) -> None:
        """Release the lock if it is held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


@contextlib.contextmanager
def exclusive(path: Path, *, wait_s: float, who: str) -> Iterator[FileLock]:
    """Wait for a lock on ``path`` (made if missing) and hold it.

    Raises:
        LedgerError: another process held it for longer than ``wait_s`` seconds.
    """
    lock = FileLock(path)
    path.touch(exist_ok=True)
    give_up_at = time.monotonic() + wait_s
    while not lock.try_acquire():
        if time.monotonic() > give_up_at:
            raise LedgerError(
                f"{who} is locked by another process for more than {wait_s:.0f} s; wait for it to end and try again"
            )
        time.sleep(0.02)
        path.touch(exist_ok=True)  # it may have been removed meanwhile
    try:
        yield lock
    finally:
        lock.release()
