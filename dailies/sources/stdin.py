"""Standard input as a file: what came in is kept, so that a run can be taken up again and its rows can be found."""

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from dailies.durable import replace_file
from dailies.sources.names import is_stdin
from dailies.sources.opening import read_stdin, sniff


def keep_stdin(names: Sequence[str], folder: Path) -> tuple[tuple[str, ...], Path | None]:
    """Put a file in place of standard input; the same content is the same file.

    Args:
        names: sources as the user named them.
        folder: where to keep it.

    Returns:
        The names with the file's in it, and the file; None where standard input is not among them.

    Raises:
        OSError: the folder cannot be written.
    """
    if not any(map(is_stdin, names)):
        return tuple(names), None
    content = read_stdin()
    path = folder / f"{hashlib.sha256(content).hexdigest()[:16]}.{sniff(content[:512])}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(path, partial(_write, content))
    return tuple(str(path) if is_stdin(name) else name for name in names), path


def _write(content: bytes, file: BinaryIO) -> None:
    file.write(content)
