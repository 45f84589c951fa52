"""A CSV file as people really save it: bytes in, header and records with their physical lines out.

Accepted without a word: a byte order mark; LF, CRLF or CR; commas, semicolons or tabs (whichever makes the
header name the required column); quoted cells over several lines; blank lines. A wrong cell is a matter of
its row, but where one record ends and the next begins must be certain: everything here refuses the file.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from dailies.errors import InputError, RowError

DELIMITERS = ",;\t"
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_ZIP = b"PK\x03\x04"
_SAVE_AS_UTF8 = "save it as CSV in UTF-8"
_WORD = re.compile(r"\w")

Record = tuple[int, tuple[str, ...]]
"""The physical line a record starts in (the first line is 1) and its raw cells."""


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV whose header has been read and whose records are still to come.

    Attributes:
        header_line: the physical line of the header, 1 unless blank lines come before it.
        header: its names, stripped, otherwise as the file spells them.
        records: what follows, read while it is consumed; blank records are left out.
    """

    header_line: int
    header: tuple[str, ...]
    records: Iterator[Record]


def open_csv(path: Path, source: str) -> BinaryIO:
    """Open the file for ``read_table``.

    Raises:
        InputError: there is no such file, it is a folder, or it may not be read.
    """
    try:
        return path.open("rb")
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have, with a NUL in it
        raise _unreadable(source, error) from error


def read_table(stream: BinaryIO, source: str, required: str) -> Table:
    """Find the delimiter and the header; the records follow one by one.

    Args:
        stream: the file's bytes.
        source: what to call the file in messages.
        required: the column that the header must name, in lower case; it tells the delimiter.

    Raises:
        InputError: the bytes are no CSV in UTF-8, here or later from ``records``.
    """
    lines = _lines(stream, source)
    start: list[str] = []
    for line in lines:
        start.append(line)
        if _WORD.search(line):
            break
    else:
        raise _refuse(source, None, "the file is empty", f"start it with a header that names {required}")
    records = _records(chain(start, lines), _delimiter(start[-1], required), source)
    header_line, header = next(records)
    return Table(header_line, tuple(name.strip() for name in header), records)


def _lines(stream: Iterable[bytes], source: str) -> Iterator[str]:
    """Cut at LF, CRLF and CR only: ``str.splitlines`` would cut at U+2028 and its like, too."""
    pieces = (piece for chunk in stream for piece in chunk.splitlines(keepends=True))
    try:
        for number, piece in enumerate(pieces, 1):
            yield _decode(_unmarked(piece, source) if number == 1 else piece, number, source)
    except OSError as error:
        raise _unreadable(source, error) from error


def _unmarked(first: bytes, source: str) -> bytes:
    if first.startswith(_UTF16_BOMS):
        raise _refuse(source, 1, "the file is in UTF-16 (its byte order mark says so)", _SAVE_AS_UTF8)
    if first.startswith(_ZIP):
        raise _refuse(source, None, "the file is an Excel workbook or a ZIP archive, not text", _SAVE_AS_UTF8)
    return first.removeprefix(_UTF8_BOM)


def _decode(piece: bytes, line: int, source: str) -> str:
    if b"\0" in piece:
        where = f"byte {piece.index(0) + 1} of the line is NUL, which no text contains"
        raise _refuse(source, line, where, f"remove it, or {_SAVE_AS_UTF8}")
    try:
        return piece.decode()
    except UnicodeDecodeError as error:
        where = f"byte {error.start + 1} of the line (0x{piece[error.start]:02X}) is not UTF-8"
        raise _refuse(source, line, where, _SAVE_AS_UTF8) from error


def _delimiter(line: str, required: str) -> str:
    """Whichever makes the header name ``required``, then whichever makes the most columns of it."""

    def fitness(delimiter: str) -> tuple[bool, int]:
        try:
            names = [name.strip().lower() for name in next(csv.reader([line], delimiter=delimiter))]
        except csv.Error:  # an endless cell: the real reading will refuse it, with its line
            return False, 0
        return required in names, len(names)

    return max(DELIMITERS, key=fitness)


def _records(lines: Iterable[str], delimiter: str, source: str) -> Iterator[Record]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _misquoted(source, start, reader.line_num, error) from error
        if any(map(str.strip, cells)):
            yield start, tuple(cells)


def _misquoted(source: str, start: int, here: int, error: csv.Error) -> InputError:
    """Name the line where the record starts: a quote left open shows only where the next one stands."""
    if "field limit" in str(error):
        reason = f"a cell has more than {csv.field_size_limit():,} characters: perhaps its quote is never closed"
        return _refuse(source, start, reason, 'close it with "')
    if "end of data" in str(error):
        return _refuse(source, start, "a quote is opened and never closed", 'close it with "')
    reason = f"text follows the closing quote of a cell in line {here}"
    return _refuse(source, start, reason, 'close every quoted cell, and write a quote inside one as ""')


def _unreadable(source: str, error: OSError | ValueError) -> InputError:
    match error:
        case IsADirectoryError():
            return _refuse(source, None, "this is a folder", "name the CSV file in it")
        case PermissionError():
            return _refuse(source, None, "the file may not be read", "give yourself the right to read it")
        case FileNotFoundError() | ValueError():
            return _refuse(source, None, "there is no such file", "check the name")
    return _refuse(source, None, f"the file cannot be read ({error.strerror})", "check the name and the disk")


def _refuse(source: str, line: int | None, reason: str, remedy: str) -> InputError:
    return InputError((RowError(source, line, None, reason, remedy),))
