"""Opens a source by its name: unpacks it, finds its format by the ending or else by the content, reads its table."""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from dailies.errors import InputError
from dailies.prompts.columns import is_column, mapped_names
from dailies.prompts.options import ReadOptions
from dailies.prompts.sources.budget import MAX_BYTES, too_big
from dailies.prompts.sources.csv_file import DELIMITERS, read_csv
from dailies.prompts.sources.source_names import STDIN, Format, SourceName, remote_fault
from dailies.prompts.sources.table import Table, refuse, unreadable

_GZIP = b"\x1f\x8b"


@contextmanager
def open_table(source: SourceName, options: ReadOptions, *, quote: bool = False) -> Iterator[Table]:
    """Open a source for as long as the block lasts; its records are read in there.

    Raises:
        InputError: it cannot be opened, or is not what it seems to be.
    """
    with open_source(source) as opened:
        stream = _unpacked(opened, source.label)
        yield _read_table(stream, source, source.format or sniff_format(stream), options, quote=quote)


def _read_table(stream: BinaryIO, source: SourceName, form: Format, options: ReadOptions, *, quote: bool) -> Table:
    names = mapped_names(options)

    def is_known(name: str) -> bool:
        return is_column(name) or name in names

    match form:
        case "jsonl":
            from dailies.prompts.sources.json_file import read_json

            return read_json(stream, source.label, options, quote=quote)
        case "parquet":
            from dailies.prompts.sources.parquet import read_parquet

            return read_parquet(stream, source.label)
        case "xlsx":
            from dailies.prompts.sources.excel import read_excel

            return read_excel(stream, source.label, source.sheet, is_known, options)
    is_list = options.is_auto and source.format is None
    delimiters = "\t" if form == "tsv" else DELIMITERS
    return read_csv(stream, source.label, is_known, options, delimiters=delimiters, is_list=is_list, quote=quote)


def read_stdin() -> bytes:
    """Read everything that comes in on standard input.

    Raises:
        InputError: that is more than one source may hold.
    """
    return _limited(sys.stdin.buffer, "stdin")


def sniff(start: bytes) -> Format:
    """Return the format by how the content starts; CSV if no other fits."""
    if start.startswith(b"PK\x03\x04"):
        return "xlsx"
    if start.startswith(b"PAR1"):
        return "parquet"
    return "jsonl" if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"[")) else "csv"


def sniff_format(stream: BinaryIO) -> Format:
    """Run ``sniff`` on a stream at its start, and rewind it."""
    return sniff(_start(stream, 512))


def _start(stream: BinaryIO, size: int) -> bytes:
    if not stream.seekable():
        return b""
    try:
        start = stream.read(size)
        stream.seek(0)
    except OSError:  # the reading that follows will say it
        return b""
    return start


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


def _unpacked(stream: BinaryIO, label: str) -> BinaryIO:
    """Return the stream, or the content of a ``.gz`` file."""
    if not _start(stream, 2).startswith(_GZIP):
        return stream
    try:
        with gzip.GzipFile(fileobj=stream) as packed:
            return io.BytesIO(_limited(packed, label))
    except (OSError, EOFError, zlib.error) as error:
        raise refuse(label, None, "the file cannot be unpacked (it is damaged)", "pack it again with gzip") from error


def _limited(stream: "BinaryIO | gzip.GzipFile", label: str) -> bytes:
    content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise too_big(label)
    return content


def _fetch(source: SourceName) -> bytes:
    try:
        return _download(source.place) if source.is_web else _fetch_by_fsspec(source)
    except InputError:
        raise
    except Exception as error:  # every file system has errors of its own
        raise remote_fault(source.place, error) from error


def _download(url: str) -> bytes:
    from dailies.prompts.sources.web import download

    return download(url)


def _fetch_by_fsspec(source: SourceName) -> bytes:
    import fsspec

    with fsspec.open(source.place, "rb") as file:
        return _limited(file, source.label)
