"""What a user calls a source: a path, a URL, a pattern of either, ``book.xlsx#Sheet``, or ``-`` for standard input."""

import glob
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from dailies.errors import InputError
from dailies.prompts.cells import shown
from dailies.prompts.sources.table import refuse

STDIN = "-"
STDIN_FILE = "/dev/stdin"  # the same, under the name that a command line can carry
Format = Literal["csv", "tsv", "jsonl", "parquet", "xlsx"]
FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
}
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(://|::)")
_WEB = re.compile(r"https?://", re.IGNORECASE)
_SHEET = re.compile(r"(?P<book>.+\.xls[xm])#(?P<sheet>.+)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class SourceName:
    """One source, found but not opened.

    Attributes:
        place: the path or URL to open, or ``-``.
        label: what rows are said to come from: as the user named it, with forward slashes and without secrets.
        sheet: the sheet of a workbook, None for its first.
        format: by its ending; None if the content has to tell.
    """

    place: str
    label: str
    sheet: str | None
    format: Format | None

    @property
    def is_url(self) -> bool:
        """Whether it is no file of this machine."""
        return _URL.match(self.place) is not None

    @property
    def is_web(self) -> bool:
        """Whether it is read over HTTP."""
        return _WEB.match(self.place) is not None


def find_sources(names: Iterable[str]) -> tuple[SourceName, ...]:
    """Find the sources, in the order in which they were named; those of one pattern in alphabetical order, each once.

    Raises:
        InputError: a pattern fits nothing, or its place cannot be listed.
    """
    found: dict[tuple[str, str | None], SourceName] = {}
    for source in (source for name in names for source in _expand(name)):
        found.setdefault((_identity(source), source.sheet), source)
    if not found:
        raise refuse("no source", None, "there is nothing to read", "name a file of prompts")
    return tuple(found.values())


def refuse_stdin(names: Iterable[str]) -> None:
    """Make sure that no source is standard input, where there is nobody to give it.

    Raises:
        InputError: one is.
    """
    if any(map(is_stdin, names)):
        raise refuse("stdin", None, "a flow has no standard input", "name a file; dailies run - makes one")


def _identity(source: SourceName) -> str:
    """The same for every name of one file."""
    if source.is_url or source.place == STDIN:
        return source.label
    try:
        return os.path.realpath(source.place)
    except ValueError:  # a name that no file can have
        return source.label


def is_stdin(name: str) -> bool:
    """Whether a name means standard input."""
    return name in (STDIN, STDIN_FILE)


def place_of(name: str) -> str:
    """The path of a source that is called so: without its sheet."""
    return _split(name)[0]


def _expand(name: str) -> Iterator[SourceName]:
    if is_stdin(name):
        yield SourceName(STDIN, "stdin", None, None)
        return
    place, sheet = _split(name)
    if not _is_pattern(place):
        yield _named(place, sheet)
        return
    places = _remote_matches(place) if _URL.match(place) else sorted(glob.glob(place, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute patterns
    if not places:
        raise refuse(_label(place), None, "no file fits this pattern", "check it; ** stands for folders")
    yield from (_named(found, sheet) for found in places)


def _is_pattern(place: str) -> bool:
    if _WEB.match(place):  # nobody can list the web, and ? begins a query there
        return False
    if _URL.match(place):
        return "*" in place or "[" in place
    return glob.has_magic(place) and not _exists(place)


def _split(name: str) -> tuple[str, str | None]:
    if (found := _SHEET.fullmatch(name)) and not _exists(name):
        return found["book"], found["sheet"]
    return name, None


def _exists(place: str) -> bool:
    try:
        return Path(place).exists()
    except (OSError, ValueError):
        return False


def _named(place: str, sheet: str | None) -> SourceName:
    path = urlsplit(place).path if _URL.match(place) else place
    label = _label(place) + (f"#{sheet}" if sheet else "")
    return SourceName(place, label, sheet, FORMATS.get(Path(path).suffix.lower()))


def _label(place: str) -> str:
    """What goes into ledger and messages: never a password, a token or a signature out of a URL."""
    if not _URL.match(place):
        return Path(place).as_posix().encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    parts = urlsplit(place)
    secret = place.partition("?")[2]
    mark = f"?{hashlib.sha256(secret.encode()).hexdigest()[:8]}" if secret else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{mark}"


def _remote_matches(place: str) -> list[str]:
    from fsspec.core import url_to_fs

    try:
        system, path = url_to_fs(place)
        return sorted(str(system.unstrip_protocol(found)) for found in system.glob(path))
    except Exception as error:
        raise remote_fault(place, error) from error


def remote_fault(place: str, error: Exception) -> InputError:
    """The refusal of a URL that cannot be opened; nothing of a secret that may be part of it."""
    label = _label(place)
    if isinstance(error, FileNotFoundError):
        return refuse(label, None, "there is no such file", "check the URL")
    if isinstance(error, ImportError):
        return refuse(label, None, "the package for this kind of URL is not installed", shown_install(error))
    said = type(error).__name__ if label != place else f"{type(error).__name__}: {shown(str(error))}"
    return refuse(label, None, f"the URL cannot be opened ({said})", "check the URL and your right to read it")


def shown_install(error: ImportError) -> str:
    """What to install: fsspec says it in its message."""
    found = re.search(r"[Ii]nstall ([\w-]+)", str(error))
    return f"pip install {found[1]}" if found else "install it, or copy the file here"
