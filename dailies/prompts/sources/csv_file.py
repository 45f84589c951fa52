"""A CSV file as people really save it: bytes in, header and records with their physical lines out.

Accepted without a word: a byte order mark; LF, CRLF or CR; commas, semicolons or tabs; quoted cells over several lines;
blank lines. Accepted with a note: a line ``sep=;``, titles above the header, tabs without quoting, UTF-16. A wrong cell
is a matter of its row, but where one record ends and the next begins must be certain: all else refuses the file.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import BinaryIO

from dailies.errors import InputError
from dailies.prompts.likeness import is_like
from dailies.prompts.options import ReadOptions
from dailies.prompts.sources.decoding import decode_lines
from dailies.prompts.sources.table import Record, Table, refuse
from dailies.prompts.sources.titles import find_header, is_alone

DELIMITERS = ",;\t"
_SEP = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE | re.DOTALL)
_WORD = re.compile(r"\w")
_SAMPLE = 200
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_DELIMITER = re.compile("[,;\t]")
_DELIMITER_OR_QUOTE = re.compile('[,;\t"]')
_BETWEEN_CELLS = re.compile(r"[,;\t](?! )")
IsKnown = Callable[[str], bool]


class _Lines:
    """The lines of a text, counted; a comment where a record may begin is left out."""

    def __init__(self, lines: Iterator[str], comment: str, number: int = 0) -> None:
        self._lines = lines
        self._comment = comment
        self.number = number
        self.start = 0
        self.is_start = True
        self.comments = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for line in self._lines:
            self.number += 1
            if self._comment and self.is_start and line.startswith(self._comment):
                self.comments += 1
                continue
            if self.is_start:
                self.start, self.is_start = self.number, False
            return line
        raise StopIteration


def read_csv(
    stream: BinaryIO,
    source: str,
    is_known: IsKnown,
    options: ReadOptions,
    *,
    delimiters: str = DELIMITERS,
    is_list: bool = False,
    quote: bool = False,
) -> Table:
    """Find the delimiter and the header; the records follow one by one.

    Args:
        stream: the file's bytes.
        source: what to call the file in messages.
        is_known: whether a name, in lower case, is that of a column; it serves to find the delimiter and the header.
        options: comments, the encoding, whether there is a header.
        delimiters: what may stand between cells.
        is_list: whether a text in which nothing looks like a header is a list of prompts.
        quote: whether messages may quote words of the file.

    Raises:
        InputError: the bytes are no CSV in a known encoding, here or later from ``records``.
    """
    notes: list[str] = []
    lines = decode_lines(stream, source, options.encoding, notes.append, quote=quote)
    head = list(islice(lines, _SAMPLE))
    if not any(map(_WORD.search, head)):
        if not any(map(_WORD.search, lines)):
            raise refuse(source, None, "the file is empty", "start it with a header that names prompt")
        raise refuse(source, None, f"the first {_SAMPLE} lines are blank", "remove them")
    if _is_page(head):
        raise refuse(
            source, None, "this is a web page, not a table", "name the address from which the file is exported"
        )
    if options.lines or (is_list and _is_plain_list(head, is_known)):
        return _list(_Lines(chain(head, lines), options.comment), source, notes)
    delimiter, skip = _delimiter(head, is_known, delimiters, options, notes)
    rest: Iterator[str] = islice(chain(head, lines), skip, None)
    quoting = csv.QUOTE_MINIMAL
    if delimiter == "\t":
        held = list(rest)
        rest = iter(held)
        if not _is_quoted([line for line in held if not (options.comment and line.startswith(options.comment))]):
            quoting = csv.QUOTE_NONE
            notes.append("read without quoting: quotes are part of the texts")
    counted = _Lines(rest, options.comment, skip)
    return _table(counted, delimiter, quoting, source, is_known, options, notes)


def _table(
    lines: _Lines, delimiter: str, quoting: int, source: str, is_known: IsKnown, options: ReadOptions, notes: list[str]
) -> Table:
    records = _records(lines, delimiter, quoting, source, notes)
    if options.no_header:
        first = list(islice(records, 20))
        names = tuple(str(number + 1) for number in range(max(len(row) for _, row in first)))
        return Table(source, names, chain(first, records), None, is_text=True, is_headless=True, notes=notes)
    titles = list(islice(records, 20))
    index = find_header([row for _, row in titles], [line for line, _ in titles], is_known)
    if index:
        notes.append(f"lines above the header in line {titles[index][0]} are left out")
    header_line, header = titles[index]
    names = tuple(name.strip() for name in header)
    is_prose = delimiter in ",;" and any(cell[:1] == " " for cell in header[1:])
    is_prose = is_prose or is_alone([row for _, row in titles], [line for line, _ in titles])
    is_prose = is_prose and not any(is_known(name.lower()) or is_like(name) for name in names)
    while len(names) > 1 and not names[-1]:
        names = names[:-1]
    return Table(
        source,
        names,
        chain(titles[index + 1 :], records),
        header_line,
        width=len(header),
        is_text=True,
        is_prose=is_prose,
        notes=notes,
    )


def _list(lines: _Lines, source: str, notes: list[str]) -> Table:
    unquoted = "quotes around a whole line with a delimiter or a quote in it are left out"

    def records() -> Iterator[Record]:
        for line in lines:
            lines.is_start = True
            text = line.strip()
            if _QUOTED.fullmatch(text) and _DELIMITER_OR_QUOTE.search(text, 1, len(text) - 1):
                text = text[1:-1].replace('""', '"').strip()
                if unquoted not in notes:
                    notes.append(unquoted)
            if text:
                yield lines.number, (text,)

    notes.append("each line is read as a prompt")
    return Table(source, ("prompt",), records(), None, is_text=True, is_headless=True, notes=notes)


def _is_page(head: Sequence[str]) -> bool:
    start = "".join(head[:3]).lstrip().lower()
    return start.startswith(("<!doctype html", "<html"))


def _is_plain_list(head: Sequence[str], is_known: IsKnown) -> bool:
    """Return whether the lines are sentences, and the first one holds neither tabs nor a name of a column."""
    lines = [line.strip() for line in head if line.strip()]
    if sum(" " in line and "=" not in line for line in lines) < 0.6 * len(lines):
        return False
    first = next(line for line in head if _WORD.search(line))
    cells = [name.strip().strip('"').lower() for name in re.split("[,;]", first)]
    return "\t" not in first and not any(is_known(name) or is_like(name) for name in cells)


def _delimiter(
    head: Sequence[str], is_known: IsKnown, delimiters: str, options: ReadOptions, notes: list[str]
) -> tuple[str, int]:
    """Return the delimiter, and how many lines above the table say it.

    It is what makes the most known columns of one of the first lines; else what cuts the lines into the same number of
    cells most often.
    """
    if found := _SEP.fullmatch(head[0]):
        notes.append("the line sep= says how cells are delimited")
        return found[1], 1
    body = [line for line in head if not (options.comment and line.startswith(options.comment))]

    def fitness(delimiter: str) -> tuple[int, float, int]:
        rows = _sample(body, delimiter)
        known = max((sum(is_known(name.strip().lower()) for name in row) for row in rows[:20]), default=0)
        widest = max((len(row) for row in rows[:20] if any(is_known(name.strip().lower()) for name in row)), default=0)
        common = Counter(map(len, rows)).most_common(1)[0][0] if rows else 1
        tables = [row for row in rows if len(row) == common and not any(cell[:1] == " " for cell in row[1:])]
        even = len(tables) / len(rows) if common > 1 else 0.0
        return known if not options.no_header else 0, widest or even, common

    if len(delimiters) > 1 and _is_one_column(body):
        notes.append("each line is read as one cell: the header has one, and commas stand in sentences")
        return "\0", 0
    best = max(delimiters, key=fitness)
    if options.no_header and fitness(best)[1] < 0.8:
        notes.append("each line is read as one cell")
        return "\0", 0
    return best, 0


def _is_one_column(lines: Sequence[str]) -> bool:
    """Return whether only sentences have delimiters in them: the first line has none, a blank follows all others."""
    first, *rest = [_QUOTED.sub("", line.rstrip("\r\n")) for line in lines if line.strip()]
    if _DELIMITER.search(first):
        return False
    return any(map(_DELIMITER.search, rest)) and not any(map(_BETWEEN_CELLS.search, rest))


def _sample(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(lines, delimiter=delimiter) if any(map(str.strip, row))]
    except csv.Error:  # an endless cell: the real reading will refuse it, with its line
        return []


def _is_quoted(lines: Sequence[str]) -> bool:
    """Return whether a table with tabs quotes its cells; if not, every line is a record and quotes are texts."""
    try:
        rows = [row for row in csv.reader(lines, delimiter="\t", strict=True) if row]
    except csv.Error:
        return not _is_even(lines)
    return len(rows) == sum(1 for line in lines if line.strip("\r\n")) or not _is_even(lines)


def _is_even(lines: Sequence[str]) -> bool:
    """Return whether every line has as many cells as the header, not counting empty ones at its end."""
    filled = [line.rstrip("\r\n").count("\t") for line in lines if line.strip()]
    return bool(filled) and filled[0] > 0 and all(count == filled[0] for count in filled)


def _records(lines: _Lines, delimiter: str, quoting: int, source: str, notes: list[str]) -> Iterator[Record]:
    if quoting == csv.QUOTE_NONE:
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE, quotechar=None)
    else:
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
    width = 0
    while True:
        lines.is_start = True
        try:
            cells = next(reader)
        except StopIteration:
            if lines.comments:
                notes.append(f"{lines.comments} comment lines are left out")
            return
        except csv.Error as error:
            raise _misquoted(source, lines, lines.start, error) from error
        start = lines.start
        if any(map(str.strip, cells)):
            if lines.number > start and width and _has_swallowed(cells, delimiter, width):
                where = f"lines {start} to {lines.number} are read as one record"
                notes.append(f"{where}: is the quote that line {start} opens closed too late?")
            width = width or len(cells)
            yield start, tuple(cells)


def _has_swallowed(cells: Sequence[str], delimiter: str, width: int) -> bool:
    """Return whether a cell over several lines looks like rows: its lines have as many delimiters as rows have."""
    for index, cell in enumerate(cells):
        first, *middle = cell.splitlines()[:-1] or [""]
        if width > 1 and middle and all(_is_row(line, delimiter, width) for line in middle):
            return True
        if index < width - 1 and not middle and _is_row(first, delimiter, width - index):
            return True
    return False


def _is_row(line: str, delimiter: str, width: int) -> bool:
    """Return whether a line has that many cells and is no prose, in which a blank or nothing follows a comma."""
    _, *rest = line.split(delimiter)
    return len(rest) == width - 1 > 0 and all(cell and cell[0] != " " for cell in rest)


def _misquoted(source: str, lines: _Lines, start: int, error: csv.Error) -> InputError:
    """Name the line where the record starts: a quote left open shows only where the next one stands."""
    if "field limit" in str(error):
        reason = f"a cell has more than {csv.field_size_limit():,} characters: perhaps its quote is never closed"
        return refuse(source, start, reason, 'close it with "')
    if "end of data" in str(error):
        return refuse(source, start, "a quote is opened and never closed", 'close it with "')
    reason = f"text follows the closing quote of a cell in line {lines.number}"
    return refuse(source, start, reason, 'close every quoted cell, and write a quote inside one as ""')
