"""Standard input and pipes as files: what came in is kept, so that a run can be taken up again and rows be found."""

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from dailies.prompts.sources.opening import read_stdin, sniff
from dailies.prompts.sources.source_names import is_stdin
from dailies.prompts.sources.table import refuse
from dailies.system.durable import replace_file


def keep_stdin(names: Sequence[str], folder: Path) -> tuple[tuple[str, ...], tuple[Path, ...]]:
    """Put files in place of what can be read only once; the same content is the same file.

    Args:
        names: sources as the user named them.
        folder: where to keep it.

    Returns:
        The names with those files in them, and the files.

    Raises:
        InputError: nothing came in.
        OSError: the folder cannot be written, or a pipe not be read.
    """
    read = {name: content for name in names if (content := _read_once(name)) is not None}
    for name, content in read.items():
        if not content.strip():
            label = "standard input" if is_stdin(name) else name
            raise refuse(label, None, "nothing came in", "send prompts: cat prompts.csv | dailies run -")
    kept = {name: _keep(content, folder) for name, content in read.items()}
    return tuple(str(kept.get(name, name)) for name in names), tuple(kept.values())


def is_passing(name: str) -> bool:
    """Return whether the source can be read only once."""
    return is_stdin(name) or _is_pipe(name)


def _read_once(name: str) -> bytes | None:
    """Read what came in; None for an ordinary file, which will still be there."""
    if is_stdin(name):
        return read_stdin()
    return Path(name).read_bytes() if _is_pipe(name) else None


def _is_pipe(name: str) -> bool:
    try:
        return Path(name).is_fifo()
    except OSError:  # the reading that follows will say it
        return False


def _keep(content: bytes, folder: Path) -> Path:
    path = folder / f"{hashlib.sha256(content).hexdigest()[:16]}.{sniff(content[:512])}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(path, partial(_write, content))
    return path


def _write(content: bytes, file: BinaryIO) -> None:
    file.write(content)
