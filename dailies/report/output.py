"""Writes the file that ``--output`` names; checks where it may go. ``-`` is standard output."""

import contextlib
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from dailies.errors import RefusedError
from dailies.prompts.sources.source_names import place_of
from dailies.system.durable import replace_file

STDOUT_FILE = "/dev/stdout"


def is_stdout(output: Path | None) -> bool:
    """Return whether that means standard output."""
    return output is not None and str(output) in ("-", STDOUT_FILE)


@contextlib.contextmanager
def asked_output(output: Path | None, sources: Iterable[str] = ()) -> Iterator[None]:
    """Refuse an output file that would destroy another file or cannot be written.

    Args:
        output: the file; None for the default place.
        sources: labels of the prompts, which must not be overwritten.

    Raises:
        RefusedError: it is a source, a folder or a device, or cannot be written.
    """
    if output is None or is_stdout(output):
        yield
        return
    require_output(output, sources)
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise RefusedError(f"{output} cannot be written ({error.strerror}); choose another place") from None


def require_output(output: Path, sources: Iterable[str]) -> None:
    """Require an output file whose writing destroys nothing but an earlier output.

    Raises:
        RefusedError: it is one of the sources, a folder or a device.
    """
    if output.is_dir():
        raise RefusedError(f"{output}: this is a folder; name a file in it")
    if output.exists() and not output.is_file():
        raise RefusedError(f"{output}: this is not a regular file; name one, or - for standard output")
    if output.exists() and any(_is_same(output, place_of(source)) for source in sources):
        raise RefusedError(f"{output}: the source itself would be overwritten; choose another name")


def _is_same(output: Path, place: str) -> bool:
    with contextlib.suppress(OSError, ValueError):  # a source that is a URL, or gone
        return output.samefile(place)
    return False


def write_output(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a whole file and its folder, or the same bytes to standard output.

    Raises:
        OSError: it cannot be written.
    """
    if not is_stdout(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, write)
        return
    content = io.BytesIO()  # some formats seek
    write(content)
    sys.stdout.buffer.write(content.getvalue())
    sys.stdout.flush()
