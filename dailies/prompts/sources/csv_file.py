"""A CSV file as people really save it: bytes in, header and records with their physical lines out.

Accepted without a word: a byte order mark; LF, CRLF or CR; commas, semicolons or tabs (whichever makes the
header name known columns); quoted cells over several lines; blank lines. A wrong cell is a matter of
its row, but where one record ends and the next begins must be certain: everything here refuses the file.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import BinaryIO

from dailies.errors import InputError
from dailies.prompts.sources.table import Record, Table, refuse, unreadable

DELIMITERS = ",;\t"
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_ZIP = b"PK\x03\x04"
_SAVE_AS_UTF8 = "save it as CSV in UTF-8"
_NAME_IT = f"{_SAVE_AS_UTF8}, or name it .xlsx"
_WORD = re.compile(r"\w")


def read_csv(stream: BinaryIO, source: str, is_known: Callable[[str], bool], delimiters: str = DELIMITERS) -> Table:
    """Find the delimiter and the header; the records follow one by one.

    Args:
        stream: the file's bytes.
        source: what to call the file in messages.
        is_known: whether a name, in lower case, is that of a column; it tells the delimiter and the header.
        delimiters: what may stand between cells.

    Raises:
        InputError: the bytes are no CSV in UTF-8, here or later from ``records``.
    """
    lines = decode_lines(stream, source)
    start: list[str] = []
    for line in lines:
        start.append(line)
        if _WORD.search(line):
            break
    else:
        raise refuse(source, None, "the file is empty", "start it with a header that names prompt")
    records = _records(chain(start, lines), _delimiter(start[-1], is_known, delimiters), source)
    header_line, header = next(records)
    return Table(source, tuple(name.strip() for name in header), records, header_line)


def decode_lines(stream: Iterable[bytes], source: str) -> Iterator[str]:
    """A text in UTF-8 line by line, each with its end; its mark is left out.

    Cut at LF, CRLF and CR only: ``str.splitlines`` would cut at U+2028 and its like, too.

    Raises:
        InputError: the bytes are no UTF-8, or cannot be read.
    """
    pieces = (piece for chunk in stream for piece in chunk.splitlines(keepends=True))
    try:
        for number, piece in enumerate(pieces, 1):
            yield _decode(_unmarked(piece, source) if number == 1 else piece, number, source)
    except OSError as error:
        raise unreadable(source, error) from error


def _unmarked(first: bytes, source: str) -> bytes:
    if first.startswith(_UTF16_BOMS):
        raise refuse(source, 1, "the file is in UTF-16 (its byte order mark says so)", _SAVE_AS_UTF8)
    if first.startswith(_ZIP):
        raise refuse(source, None, "the file is an Excel workbook or a ZIP archive, not text", _NAME_IT)
    return first.removeprefix(_UTF8_BOM)


def _decode(piece: bytes, line: int, source: str) -> str:
    if b"\0" in piece:
        where = f"byte {piece.index(0) + 1} of the line is NUL, which no text contains"
        raise refuse(source, line, where, f"remove it, or {_SAVE_AS_UTF8}")
    try:
        return piece.decode()
    except UnicodeDecodeError as error:
        where = f"byte {error.start + 1} of the line (0x{piece[error.start]:02X}) is not UTF-8"
        raise refuse(source, line, where, _SAVE_AS_UTF8) from error


def _delimiter(line: str, is_known: Callable[[str], bool], delimiters: str) -> str:
    """Whichever makes the most known columns of the header, then whichever makes the most columns of it."""

    def fitness(delimiter: str) -> tuple[int, int]:
        try:
            names = [name.strip().lower() for name in next(csv.reader([line], delimiter=delimiter))]
        except csv.Error:  # an endless cell: the real reading will refuse it, with its line
            return 0, 0
        return sum(map(is_known, names)), len(names)

    return max(delimiters, key=fitness)


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
        return refuse(source, start, reason, 'close it with "')
    if "end of data" in str(error):
        return refuse(source, start, "a quote is opened and never closed", 'close it with "')
    reason = f"text follows the closing quote of a cell in line {here}"
    return refuse(source, start, reason, 'close every quoted cell, and write a quote inside one as ""')
