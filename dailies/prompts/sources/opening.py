"""A source's name into its table: opened, its format told by the ending or else by the content."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from dailies.prompts.columns import is_column
from dailies.prompts.sources.csv_file import DELIMITERS, read_csv
from dailies.prompts.sources.source_names import STDIN, Format, SourceName, remote_fault
from dailies.prompts.sources.table import Table, unreadable

_TIMEOUT_S = 60.0


@contextmanager
def open_table(source: SourceName) -> Iterator[Table]:
    """Open a source for as long as the block lasts; its records are read in there.

    Raises:
        InputError: it cannot be opened, or is not what it seems to be.
    """
    with open_source(source) as stream:
        yield read_table(stream, source.label, source.format or sniff_format(stream), source.sheet)


def read_table(stream: BinaryIO, label: str, form: Format, sheet: str | None = None) -> Table:
    """Read an open source.

    Raises:
        InputError: it is not of that format.
    """
    match form:
        case "jsonl":
            from dailies.prompts.sources.jsonl import read_jsonl

            return read_jsonl(stream, label)
        case "parquet":
            from dailies.prompts.sources.parquet import read_parquet

            return read_parquet(stream, label)
        case "xlsx":
            from dailies.prompts.sources.excel import read_excel

            return read_excel(stream, label, sheet)
    return read_csv(stream, label, is_column, "\t" if form == "tsv" else DELIMITERS)


def read_stdin() -> bytes:
    """Everything that comes in on standard input."""
    return sys.stdin.buffer.read()


def sniff(start: bytes) -> Format:
    """Tell a format by how the content starts; what is nothing else is CSV."""
    if start.startswith(b"PK\x03\x04"):
        return "xlsx"
    if start.startswith(b"PAR1"):
        return "parquet"
    return "jsonl" if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{") else "csv"


def sniff_format(stream: BinaryIO) -> Format:
    """``sniff`` for a stream at its start, where it is again afterwards."""
    if not stream.seekable():
        return "csv"
    try:
        start = stream.read(512)
        stream.seek(0)
    except OSError:  # the reading that follows will say it
        return "csv"
    return sniff(start)


def open_source(source: SourceName) -> BinaryIO:
    """Open a source for reading its bytes.

    Raises:
        InputError: it cannot be opened.
    """
    if source.place == STDIN:
        return io.BytesIO(read_stdin())
    if source.is_url:
        return io.BytesIO(_fetch(source))
    try:
        return Path(source.place).open("rb")
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have, with a NUL in it
        raise unreadable(source.label, error) from error


def _fetch(source: SourceName) -> bytes:
    try:
        return _download(source.place) if source.is_web else _fetch_by_fsspec(source.place)
    except Exception as error:  # every file system has errors of its own
        raise remote_fault(source.place, error) from error


def _download(url: str) -> bytes:
    import httpx

    answer = httpx.get(url, follow_redirects=True, timeout=_TIMEOUT_S)
    return answer.raise_for_status().content


def _fetch_by_fsspec(url: str) -> bytes:
    import fsspec

    with fsspec.open(url, "rb") as file:
        content: bytes = file.read()
    return content
