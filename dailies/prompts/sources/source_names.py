"""What a user calls a source: a path, a URL, a pattern of either, ``book.xlsx#Sheet``, or ``-`` for standard input."""

import glob
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from dailies.errors import InputError
from dailies.prompts.cells import shown
from dailies.prompts.sources.table import refuse
from dailies.prompts.sources.web import WebError

STDIN = "-"
STDIN_FILE = "/dev/stdin"  # the same, under the name that a command line can carry
Format = Literal["csv", "tsv", "jsonl", "parquet", "xlsx"]
FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
}
_PROTOCOLS = frozenset(["https", "http", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "memory"])
_LOCK_FILES = ("~$", ".~lock.")  # of Excel and LibreOffice, beside a workbook that is open
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


def find_sources(names: Iterable[str], folders: Sequence[Path] = ()) -> tuple[SourceName, ...]:
    """Find the sources, in the order in which they were named; those of one pattern in alphabetical order, each once.

    Args:
        names: what the user calls them.
        folders: where files must lie, links followed; anywhere if there are none.

    Raises:
        InputError: a pattern fits nothing, a place cannot be listed, or is none from which prompts are read.
    """
    names = list(names)
    for name in names:
        _require_protocol(name)
    found: dict[tuple[str, str | None], SourceName] = {}
    for source in (source for name in names for source in _expand(name)):
        found.setdefault((_identity(source), source.sheet), source)
    for source in found.values():
        _require_place(source, folders)
    if not found:
        raise refuse("no source", None, "there is nothing to read", "name a file of prompts")
    return tuple(found.values())


def _require_protocol(name: str) -> None:
    """Refuse URLs of other kinds, and chains of them: fsspec would open local files by ``file://`` or ``reference://``."""
    if not (found := _URL.match(name)):
        return
    try:
        urlsplit(name)
    except ValueError as error:
        raise refuse("the URL", None, "it is malformed", "check its host") from error
    protocol = name.partition(":")[0].lower()
    if found[1] == "::" or ("::" in name and not _WEB.match(name)):
        raise refuse(label_of(name), None, "chains of URLs (with ::) are not read", "name one file, unpacked")
    if protocol == "file":
        raise refuse(label_of(name), None, "file:// is not read", "name the path of the file")
    if protocol not in _PROTOCOLS:
        known = ", ".join(f"{one}://" for one in ("https", "s3", "gs", "az"))
        raise refuse(label_of(name), None, f"{protocol}:// is no protocol for prompts", f"use a path, {known}")


def _require_place(source: SourceName, folders: Sequence[Path]) -> None:
    if source.is_url or source.place == STDIN:
        return
    if Path(source.place).name.lower().startswith(".env"):
        raise refuse(source.label, None, "this is a file of settings, not of prompts", "name a file of prompts")
    place = _identity(source)
    if folders and not any(Path(place).is_relative_to(os.path.realpath(folder)) for folder in folders):
        raise refuse(
            source.label,
            None,
            "the file does not lie in the folder of sources (DAILIES_SOURCES_DIR)",
            "put it there, or name a file in it",
        )


def refuse_stdin(names: Iterable[str]) -> None:
    """Make sure that no source is standard input, which a flow does not have.

    Raises:
        InputError: one is.
    """
    if any(map(is_stdin, names)):
        raise refuse("stdin", None, "a flow has no standard input", "name a file; dailies run - makes one")


def _identity(source: SourceName) -> str:
    """Return an identity that is the same for every name of one file."""
    if source.is_url or source.place == STDIN:
        return source.label
    try:
        return os.path.realpath(source.place)
    except ValueError:  # a name that no file can have
        return source.label


def is_stdin(name: str) -> bool:
    """Return whether a name means standard input."""
    return name in (STDIN, STDIN_FILE)


def place_of(name: str) -> str:
    """Return the path of a source by its name, without its sheet."""
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
    places = [found for found in places if not Path(found).name.startswith(_LOCK_FILES)]
    if not places:
        raise refuse(label_of(place), None, "no file fits this pattern", "check it; ** stands for folders")
    yield from (_named(found, sheet) for found in places)


def _is_pattern(place: str) -> bool:
    if _WEB.match(place):  # the web cannot be listed, and ? begins a query there
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
    path = Path(urlsplit(place).path if _URL.match(place) else place)
    label = label_of(place) + (f"#{sheet}" if sheet else "")
    ending = path.with_suffix("").suffix if path.suffix.lower() == ".gz" else path.suffix
    return SourceName(place, label, sheet, FORMATS.get(ending.lower()))


def label_of(place: str) -> str:
    """Return a source's name for ledger, messages and runs: a URL without its password, token or signature."""
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
    """Return the refusal of a URL that cannot be opened, without any secret that may be part of it."""
    label = label_of(place)
    if isinstance(error, FileNotFoundError):
        return refuse(label, None, "there is no such file", "check the URL")
    if isinstance(error, ImportError):
        return refuse(label, None, "the package for this kind of URL is not installed", shown_install(error))
    if isinstance(error, WebError):
        return refuse(label, None, f"the URL cannot be read: {error}", "check the URL, or copy the file here")
    said = type(error).__name__ if label != place else f"{type(error).__name__}: {shown(str(error))}"
    return refuse(label, None, f"the URL cannot be opened ({said})", "check the URL and your right to read it")


def shown_install(error: ImportError) -> str:
    """Return what to install, from fsspec's message."""
    found = re.search(r"[Ii]nstall ([\w-]+)", str(error))
    return f"pip install {found[1]}" if found else "install it, or copy the file here"
