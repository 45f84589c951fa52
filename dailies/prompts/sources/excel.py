"""Excel workbooks: a sheet's rows; its first row that is not blank is the header, unless titles stand above it.

A formula counts as what Excel computed last. One that was never computed, an error, or merged cells in the table are
refused, because their text is not certain. Filtered and hidden rows are rows like the others.
"""

import re
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from itertools import chain, islice
from typing import Any, BinaryIO

from openpyxl.cell.text import Text
from openpyxl.reader.excel import ExcelReader
from openpyxl.utils import range_boundaries
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse

from dailies.errors import InputError
from dailies.prompts.cells import Fault, shown
from dailies.prompts.likeness import is_like
from dailies.prompts.options import ReadOptions
from dailies.prompts.sources.budget import Budget
from dailies.prompts.sources.table import Record, Table, refuse
from dailies.prompts.sources.titles import find_header, is_alone
from dailies.prompts.sources.typed_values import date_text, number_text

_MAX_ROWS = 1_048_576  # what a sheet can have; https://support.microsoft.com: "Excel specifications and limits"
_MAX_BYTES = 256 * 2**20
_MAX_PART_BYTES = 16 * 2**20
_MAX_TEXTS = 2_000_000
_OLE = b"\xd0\xcf\x11\xe0"
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell ref="([A-Z0-9:]{1,40})"')
# What XML cannot hold, and the underscore that protects a text from being read as an escape.
_ESCAPE = re.compile("_x((?i:00[01][0-9a-f]|005f|d[89a-f][0-9a-f]{2}|fff[ef]))_")
_FORMULA = re.compile(rb"<(?:\w+:)?f[ />]")

_PLAIN_FORMAT = re.compile(r"(?P<thousands>#,##)?0(?:\.(?P<places>0+))?(?P<percent>%)?")
_AS_TEXT = "give the cell the format Text and write what it should say"

IsKnown = Callable[[str], bool]
Place = tuple[int, int]
"""A cell: its row and its column, from 1."""


def read_excel(stream: BinaryIO, source: str, sheet: str | None, is_known: IsKnown, options: ReadOptions) -> Table:
    """Read the header of a sheet; the records follow one by one.

    Args:
        stream: the workbook's bytes, which can be sought.
        source: what to call the workbook in messages.
        sheet: which of its sheets, None for the first that is not hidden.
        is_known: whether a name, in lower case, is that of a column; it serves to find the header below titles.
        options: whether there is a header.

    Raises:
        InputError: this is no workbook, or it has cells whose text is not certain; here or later from ``records``.
    """
    _require_workbook(stream, source)
    values = _open(stream, source, computed=True)
    found = _choose(values, source, sheet)
    label = f"{source} ({shown(found.title)})"
    merged, has_formulas = _scan(stream, found, label)
    formulas = _formulas(_open(stream, source, computed=False)[found.title], label) if has_formulas else set()
    rows = _records(found, formulas, label, options.comment)
    head = list(islice(rows, 20))
    if not head:
        raise refuse(label, None, "the sheet is empty", "start it with a header that names prompt")
    if options.no_header or options.lines:
        _require_unmerged(merged, head[0][0], label)
        names = tuple(str(number + 1) for number in range(max(len(row) for _, row in head)))
        records = chain(head, rows)
        return Table(
            label, names, records, None, "row", read=_read_cell, is_text=True, is_headless=True, has_letters=True
        )
    looks, places = [_looks(row) for _, row in head], [line for line, _ in head]
    index = find_header(looks, places, is_known)
    line, header = head[index]
    _require_unmerged(merged, line, label)
    notes = [f"rows above the header in row {line} are left out"] if index else []
    records = chain(head[index + 1 :], rows)
    names = _header(header, line, label)
    return Table(
        label,
        names,
        records,
        line,
        "row",
        width=max(len(row) for _, row in head[index:]),
        read=_read_cell,
        is_text=True,
        is_prose=is_alone(looks, places) and not is_like(names[0]),
        has_letters=True,
        notes=notes,
    )


def _header(cells: tuple[Any, ...], line: int, label: str) -> tuple[str, ...]:
    texts = [_read_cell("", cell) for cell in cells]
    if wrong := [fault for fault in texts if isinstance(fault, Fault)]:
        raise InputError(tuple(fault.at(label, line, "row") for fault in wrong))
    names = tuple(str(text).strip() for text in texts)
    while len(names) > 1 and not names[-1]:
        names = names[:-1]
    return names


def _looks(cells: tuple[Any, ...]) -> tuple[str, ...]:
    texts = (_read_cell("", cell) for cell in cells)
    return tuple("?" if isinstance(text, Fault) else text for text in texts)


def _require_unmerged(merged: Sequence[str], header_line: int, label: str) -> None:
    """Refuse merged cells in the table; titles above it may be merged."""
    for area in merged:
        _, first, _, last = range_boundaries(area)
        if last >= header_line:
            where = "row" if first == last else "rows"
            reason = f"the cells {area} are merged, so the other cells of their {where} are not certain"
            raise refuse(label, None, reason, "unmerge them and fill in each one")


def _require_workbook(stream: BinaryIO, source: str) -> None:
    start = stream.read(4)
    if start == _OLE:
        reason = "this is a workbook of the old form (.xls), or one with a password"
        raise refuse(source, None, reason, "save it as .xlsx, without a password")
    try:
        with zipfile.ZipFile(stream) as archive:
            parts = archive.infolist()
            texts = sum(_texts(archive, part) for part in parts if part.filename.lower().endswith("sharedstrings.xml"))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError, zlib.error, RuntimeError) as error:
        raise _damaged(source, error) from error
    if sum(part.file_size for part in parts) > _MAX_BYTES:
        reason = f"the workbook unpacks to more than {_MAX_BYTES // 2**20} MiB"
        raise refuse(source, None, reason, "split it, or save it as CSV")
    if texts > _MAX_TEXTS:
        raise refuse(source, None, f"the workbook has more than {_MAX_TEXTS:,} texts", "split it, or save it as CSV")
    for part in parts:
        name = part.filename.lower()
        if part.file_size > _MAX_PART_BYTES and "worksheets/" not in name and not name.endswith("sharedstrings.xml"):
            reason = (
                f"the part {shown(part.filename)} of the workbook unpacks to more than {_MAX_PART_BYTES // 2**20} MiB"
            )
            raise refuse(source, None, reason, "save it as CSV")


def _texts(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> int:
    """Count the texts in the workbook's table of texts; stop beyond the number that is read."""
    if part.file_size > _MAX_BYTES:
        return 0
    found = 0
    with archive.open(part) as text:
        while (chunk := text.read(1 << 20)) and found <= _MAX_TEXTS:
            found += chunk.count(b"<si>") + chunk.count(b"<si ") + chunk.count(b"<si/>")
    return found


class _Reader(ExcelReader):  # type: ignore[misc]
    """openpyxl's reader, but for texts with ``x005F_`` in them, out of which it cuts that."""

    def read_strings(self) -> None:
        """Read the texts that cells share."""
        if (part := self.package.find(SHARED_STRINGS)) is None:
            return
        with self.archive.open(part.PartName[1:]) as source:
            for _, node in iterparse(source):
                if node.tag == f"{{{SHEET_MAIN_NS}}}si":
                    self.shared_strings.append(Text.from_tree(node).content)
                    node.clear()


def _open(stream: BinaryIO, source: str, *, computed: bool) -> Any:
    stream.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what the library leaves out: styles, validations, extensions
            reader = _Reader(stream, read_only=True, data_only=computed, keep_links=False)
            reader.read()
            return reader.wb
    except Exception as error:
        raise _damaged(source, error) from error


def _choose(workbook: Any, source: str, name: str | None) -> Any:
    sheets = {sheet.title: sheet for sheet in workbook.worksheets}
    if name is None:
        shown_ones = (sheet for sheet in sheets.values() if sheet.sheet_state == "visible")
        if (sheet := next(shown_ones, None)) is None:
            raise refuse(source, None, "the workbook has no sheet that can be seen", "unhide the sheet of prompts")
        return sheet
    if name not in sheets:
        raise refuse(source, None, f"there is no sheet {shown(name)}", f"use one of {', '.join(map(shown, sheets))}")
    return sheets[name]


def _scan(stream: BinaryIO, sheet: Any, label: str) -> tuple[list[str], bool]:
    """Find merged cells, and whether there are formulas: both are cheap to find in the text, dear in the library."""
    merged: dict[str, None] = {}
    formulas = False
    try:
        with zipfile.ZipFile(stream) as archive, archive.open(sheet._worksheet_path) as text:  # noqa: SLF001 - it has no public name
            before = b""
            while chunk := text.read(1 << 20):
                window = before[-64:] + chunk
                formulas = formulas or bool(_FORMULA.search(window))
                merged.update(dict.fromkeys(found[1].decode() for found in _MERGED.finditer(window)))
                before = chunk
    except Exception as error:
        raise _damaged(label, error) from error
    return list(merged), formulas


def _formulas(sheet: Any, label: str) -> set[Place]:
    places: set[Place] = set()
    for line, row in _rows(sheet, label):
        places |= {(line, column) for column, cell in enumerate(row, 1) if cell.data_type == "f"}
    return places


def _rows(sheet: Any, label: str) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Yield the rows that are not blank, with their numbers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sheet.reset_dimensions()  # they are what some program wrote, not what is there
            for line, row in enumerate(sheet.iter_rows(), 1):
                if line > _MAX_ROWS:
                    raise refuse(label, None, f"the sheet has more than {_MAX_ROWS:,} rows", "split it")
                if any(cell.value is not None or cell.data_type == "f" for cell in row):
                    yield line, row
    except Exception as error:
        raise _damaged(label, error) from error


def _records(sheet: Any, formulas: set[Place], label: str, comment: str) -> Iterator[Record]:
    """Yield the rows that are not blank, each cut after its last filled cell; a formula without a result is a fault."""
    budget = Budget(label, "row")
    for line, row in _rows(sheet, label):
        cells = list(row)
        while cells and cells[-1].value is None and cells[-1].data_type != "f" and (line, len(cells)) not in formulas:
            cells.pop()
        budget.spend(line, len(row))
        if comment and isinstance(cells[0].value, str) and cells[0].value.startswith(comment):
            continue
        if not formulas:
            yield line, tuple(cells)
            continue
        yield (
            line,
            tuple(
                _UNCOMPUTED if (line, column) in formulas and cell.value is None and cell.data_type != "str" else cell
                for column, cell in enumerate(cells, 1)
            ),
        )


_UNCOMPUTED = Fault(None, "the formula was never computed", "open the workbook in Excel and save it again")


def _read_cell(column: str, cell: Any, keeps_lists: bool = False) -> str | Fault:  # noqa: ARG001 - a cell holds no list
    if isinstance(cell, Fault):
        return cell._replace(column=column or None)
    return cell_text(column, cell)


def _damaged(label: str, error: Exception) -> InputError:
    if isinstance(error, InputError):
        return error
    said = shown(str(error).partition("\n")[0]) or type(error).__name__
    return refuse(label, None, f"the workbook cannot be read ({said})", "save it again as .xlsx, or as CSV in UTF-8")


def cell_text(column: str, cell: Any) -> str | Fault:
    """Write a cell out.

    Args:
        column: the column's name in lower case.
        cell: a cell of openpyxl, with its computed value.
    """
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "e":
        return Fault(column or None, f"Excel says {shown(str(value))}", "put the formula right, or write the value")
    if isinstance(value, str):
        return _unescaped(value)
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return _number(column, value, cell.number_format or "General")
    if isinstance(value, time) and column == "aspect_ratio" and not value.second:
        return f"{value.hour}:{value.minute}"
    if isinstance(value, date | datetime | time):
        return date_text(value)
    return Fault(column or None, f"{shown(str(value))} is a span of time", _AS_TEXT)


def _unescaped(text: str) -> str:
    """Write out Excel's escapes: ``_x000D_`` is a carriage return, ``_x005F_`` the underscore that protects one."""
    if "_x" not in text:
        return text
    plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _number(column: str, value: float, form: str) -> str | Fault:
    form = form.split(";")[0]  # of forms for positive, negative and zero numbers, the first
    if form in ("General", "@", ""):
        whole = number_text(value)
        return whole if "." not in whole and "e" not in whole else f"{value:.10g}"
    if (plain := _PLAIN_FORMAT.fullmatch(form)) is None:
        reason = f"how Excel shows {value} in the format {shown(form)} is not certain"
        return Fault(column or None, reason, _AS_TEXT)
    exact = Decimal(repr(value)).scaleb(2 if plain["percent"] else 0)
    rounded = exact.quantize(Decimal(1).scaleb(-len(plain["places"] or "")), ROUND_HALF_UP)
    return f"{rounded:{',' if plain['thousands'] else ''}f}{plain['percent'] or ''}"
