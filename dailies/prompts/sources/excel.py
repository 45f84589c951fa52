"""Excel workbooks: a sheet's rows; its first row that is not blank is the header.

A formula counts as what Excel computed last; one that was never computed, an error, or merged cells are refused, since
nobody could say what they are worth. Filtered and hidden rows are rows like the others.
"""

import re
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, BinaryIO

import openpyxl
from openpyxl.utils import get_column_letter

from dailies.errors import InputError, RowError
from dailies.prompts.cells import Fault, shown
from dailies.prompts.sources.table import Record, Table, refuse
from dailies.prompts.sources.typed_values import date_text, number_text

_MAX_ROWS = 1_048_576  # what a sheet can have; https://support.microsoft.com: "Excel specifications and limits"
_MAX_BYTES = 2**31
_OLE = b"\xd0\xcf\x11\xe0"
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell ref="([A-Z0-9:]{1,40})"')
_FORMULA = re.compile(rb"<(?:\w+:)?f[ />]")

_PLAIN_FORMAT = re.compile(r"(?P<thousands>#,##)?0(?:\.(?P<places>0+))?(?P<percent>%)?")
_AS_TEXT = "give the cell the format Text and write what it should say"

Place = tuple[int, int]
"""A cell: its row and its column, from 1."""


def read_excel(stream: BinaryIO, source: str, sheet: str | None) -> Table:
    """Read the header of a sheet; the records follow one by one.

    Args:
        stream: the workbook's bytes, which can be sought.
        source: what to call the workbook in messages.
        sheet: which of its sheets, None for the first that is not hidden.

    Raises:
        InputError: this is no workbook, or cells that nobody could read; here or later from ``records``.
    """
    _require_workbook(stream, source)
    values = _open(stream, source, computed=True)
    found = _choose(values, source, sheet)
    label = f"{source} ({shown(found.title)})"
    merged, has_formulas = _look_inside(stream, found, label)
    formulas = _formulas(_open(stream, source, computed=False)[found.title], label) if has_formulas else set()
    if merged:
        raise refuse(label, None, f"the cells {merged} are merged", "unmerge them and fill in each one")
    rows = _rows(found, label)
    for line, row in rows:
        header = tuple(cell_text("", cell) for cell in row)
        if wrong := [(line, fault) for fault in header if isinstance(fault, Fault)]:
            raise InputError(tuple(RowError(label, line, *fault, "row") for line, fault in wrong))
        names = tuple(str(name).strip() for name in header)
        while names and not names[-1]:
            names = names[:-1]
        faults: dict[int, list[Fault]] = {}
        return Table(label, names, _records(rows, names, formulas, faults), line, "row", faults)
    raise refuse(label, None, "the sheet is empty", "start it with a header that names prompt")


def _require_workbook(stream: BinaryIO, source: str) -> None:
    start = stream.read(4)
    if start == _OLE:
        reason = "this is a workbook of the old form (.xls), or one with a password"
        raise refuse(source, None, reason, "save it as .xlsx, without a password")
    try:
        with zipfile.ZipFile(stream) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise _damaged(source, error) from error
    if size > _MAX_BYTES:
        raise refuse(source, None, "the workbook unpacks to more than 2 GiB", "split it, or save it as CSV")


def _open(stream: BinaryIO, source: str, *, computed: bool) -> Any:
    stream.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what the library leaves out: styles, validations, extensions
            return openpyxl.load_workbook(stream, read_only=True, data_only=computed, keep_links=False)
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


def _look_inside(stream: BinaryIO, sheet: Any, label: str) -> tuple[str, bool]:
    """Which cells are merged, and whether there are formulas: both cheap to find in the text, dear in the library."""
    merged, formulas = "", False
    try:
        with zipfile.ZipFile(stream) as archive, archive.open(sheet._worksheet_path) as text:  # noqa: SLF001 - it has no public name
            before = b""
            while chunk := text.read(1 << 20):
                window = before[-64:] + chunk
                formulas = formulas or bool(_FORMULA.search(window))
                if found := _MERGED.search(window):
                    merged = merged or found[1].decode()
                before = chunk
    except Exception as error:
        raise _damaged(label, error) from error
    return merged, formulas


def _formulas(sheet: Any, label: str) -> set[Place]:
    places: set[Place] = set()
    for line, row in _rows(sheet, label):
        places |= {(line, column) for column, cell in enumerate(row, 1) if cell.data_type == "f"}
    return places


def _rows(sheet: Any, label: str) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The rows that are not blank, with their numbers."""
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


def _records(
    rows: Iterator[tuple[int, tuple[Any, ...]]],
    header: tuple[str, ...],
    formulas: set[Place],
    faults: dict[int, list[Fault]],
) -> Iterator[Record]:
    names = [name.lower() for name in header]
    for line, row in rows:
        texts: list[str] = []
        wrong: list[Fault] = []
        for column, cell in enumerate(row, 1):
            name = names[column - 1] if column <= len(names) else ""
            text = _text(name, cell, is_formula=(line, column) in formulas)
            if isinstance(text, Fault):
                wrong.append(text._replace(column=text.column or f"{get_column_letter(column)}"))
            elif column > len(names) and text.strip():
                place = f"{get_column_letter(column)}{line}"
                wrong.append(Fault(None, f"the cell {place} is in a column without a name", "name it, or empty it"))
            texts.append("" if isinstance(text, Fault) else text)
        cells = tuple((texts + [""] * len(names))[: len(names)])
        if wrong:
            faults[line] = wrong
        if wrong or any(map(str.strip, cells)):
            yield line, cells


def _text(name: str, cell: Any, *, is_formula: bool) -> str | Fault:
    if is_formula and cell.value is None and cell.data_type != "str":
        return Fault(name or None, "the formula was never computed", "open the workbook in Excel and save it again")
    return cell_text(name, cell)


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
        return value
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return _number(column, value, cell.number_format or "General")
    if isinstance(value, time) and column == "aspect_ratio" and not value.second:
        return f"{value.hour}:{value.minute}"
    if isinstance(value, date | datetime | time):
        return date_text(value)
    return Fault(column or None, f"{shown(str(value))} is a span of time", _AS_TEXT)


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
