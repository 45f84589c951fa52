"""The lock of a data folder: it allows one sandbox, ends with its process, and holds the process id."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dailies.gateway.hosting.errors import SandboxError

TRIES = 25
PAUSE_S = 0.02


def _path(data_dir: Path) -> Path:
    return data_dir / "sandbox.pid"


@contextmanager
def hold_lock(data_dir: Path) -> Iterator[None]:
    """Hold the folder's lock until the block ends.

    Raises:
        SandboxError: another process holds it.
    """
    descriptor = os.open(_path(data_dir), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(descriptor, data_dir)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        # The file stays: to remove it could take another process's lock away.
        os.close(descriptor)


def _lock(descriptor: int, data_dir: Path) -> None:
    """Try for half a second, because ``is_locked`` of another process holds the lock for an instant."""
    for _ in range(TRIES):
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(PAUSE_S)
    holder = os.read(descriptor, 32).decode().strip() or "unknown"
    raise SandboxError(
        f"a sandbox is running on {data_dir} already (process {holder}); use it, stop it, or choose another data folder"
    )


def read_holder(data_dir: Path) -> int | None:
    """Read the id of the process that last took the folder's lock."""
    written = _path(data_dir).read_text("ascii").strip()
    return int(written) if written else None


def is_locked(data_dir: Path) -> bool:
    """Say whether a sandbox runs on the folder."""
    try:
        descriptor = os.open(_path(data_dir), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
