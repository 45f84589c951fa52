"""Files and folders that only their owner may read: modes 0600 and 0700, whatever the umask is."""

import os
import secrets
from pathlib import Path


def private(path: str, flags: int) -> int:
    """Open a file with mode 0600: an opener for ``open(path, "wb", opener=private)``."""
    descriptor = os.open(path, flags, 0o600)
    os.fchmod(descriptor, 0o600)  # an older file may have been more open
    return descriptor


def make_private_folder(path: Path) -> None:
    """Make a folder with mode 0700, and its parents as usual; an older folder gets that mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    path.chmod(0o700)


def write_private(path: Path, text: str) -> None:
    """Write a file with mode 0600, whole: a reader sees the old text or the new one."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(draft, "x", encoding="utf-8", opener=private) as file:
            file.write(text)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
