"""JSON: an object a line (JSON Lines), or one document with rows in it; the names of the objects are the columns.

A document is a list of objects, objects one after the other over several lines, or one object that holds the rows: as a
list, by name, or column by column as pandas writes them.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

from dailies.errors import InputError, RowError
from dailies.prompts.cells import COLUMNS
from dailies.prompts.header_message import HeaderError
from dailies.prompts.likeness import is_like
from dailies.prompts.options import ReadOptions
from dailies.prompts.sources.budget import MAX_COLUMNS, Budget
from dailies.prompts.sources.decoding import decode_lines
from dailies.prompts.sources.table import Record, Table, refuse
from dailies.prompts.sources.typed_values import read_value

_ONE_A_LINE = 'write one object a line: {"prompt": "A fox", "model": "fal/kling-2"}'
_ROWS = 'write a list of objects: [{"prompt": "A fox"}, {"prompt": "An owl"}]'
_BLANK = re.compile(r"[\s,]*")

Found = tuple[int, Any]
"""Where a value stands, from 1, and the value."""


def read_json(stream: BinaryIO, label: str, options: ReadOptions, *, quote: bool = False) -> Table:
    """Read every value; columns stand in the order in which they first appear.

    Raises:
        InputError: the bytes are no text or no JSON, or hold values that are no rows; with every such place.
    """
    notes: list[str] = []
    lines = list(decode_lines(stream, label, options.encoding, notes.append, quote=quote))
    if options.comment:
        lines = ["" if line.startswith(options.comment) else line for line in lines]
    unit, values = _values(lines, label)
    if not values:
        raise InputError((RowError(label, None, None, "the file is empty", _ONE_A_LINE),))
    wanted = options.lines or options.is_auto
    if wanted and all(isinstance(value, str) for _, value in values):
        records = ((place, (value.strip(),)) for place, value in values if value.strip())
        notes.append("each text is read as a prompt")
        return Table(label, ("prompt",), records, None, unit, is_headless=True, notes=notes)
    if strange := [place for place, value in values if not isinstance(value, dict)]:
        texts = all(isinstance(value, str) for _, value in values)
        remedy = f"{_ONE_A_LINE}; or say --lines, if each text is a prompt" if texts else _ONE_A_LINE
        what = "line" if unit == "line" else "value"
        errors = tuple(RowError(label, place, None, f"the {what} is no object", remedy, unit) for place in strange)
        raise HeaderError(errors, replace(options, lines=True) if texts else None)
    return Table(
        label, _header(values, label, unit), _records(values, label, unit), None, unit, read=read_value, notes=notes
    )


def _values(lines: list[str], label: str) -> tuple[str, list[Found]]:
    """Return the values of JSON Lines by line, or those of a document by number."""
    first = next((line.strip() for line in lines if line.strip()), "")
    values, errors = _by_line(lines, label)
    if not errors and not (len(values) == 1 and isinstance(values[0][1], list | dict)):
        return "line", values
    try:
        document = _numbered(_unwrapped(list(_document("".join(lines), label))))
    except InputError:
        if first in ("{", "[") or (first[0] == "[" and len(lines) > 1):
            raise
        raise InputError(tuple(errors)) from None
    return ("line", values) if document == _numbered([value for _, value in values]) else ("row", document)


def _by_line(lines: list[str], label: str) -> tuple[list[Found], list[RowError]]:
    """Return the value of each line that has one, and what is wrong with the others."""
    values: list[Found] = []
    errors: list[RowError] = []
    for line, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            values.append((line, _DECODER.decode(text)))
        except (ValueError, RecursionError) as error:
            errors.append(RowError(label, line, None, _reason(error), _ONE_A_LINE))
    return values, errors


def _numbered(values: list[Any]) -> list[Found]:
    return list(enumerate(values, 1))


def _document(text: str, label: str) -> Iterator[Any]:
    """Yield the values of a text one after the other."""
    at = _skip(text, 0)
    while at < len(text):
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, getattr(error, "pos", at)) + 1
            raise refuse(label, line, _reason(error), _ROWS) from error
        yield value
        at = _skip(text, at)


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _unwrapped(values: list[Any]) -> list[Any]:
    """Return the rows in a document: of a list, of an object that holds them, or its values unchanged."""
    if len(values) != 1:
        return values
    (value,) = values
    if isinstance(value, list):
        return value
    if not isinstance(value, dict) or not value:
        return values
    inner = list(value.values())
    if any(name.strip().lower() in COLUMNS for name in value):
        return _turned(value) if all(isinstance(column, dict | list) for column in inner) else values
    lists = [
        column for column in inner if isinstance(column, list) and column and all(isinstance(x, dict) for x in column)
    ]
    if len(lists) == 1:
        return lists[0]
    if (texts := _only_texts(value)) is not None:
        return texts
    if len(inner) == 1 and isinstance(inner[0], dict) and not any(map(is_like, inner[0])):
        return inner if (deeper := _unwrapped(inner)) is inner else deeper
    if all(isinstance(column, dict) and column for column in inner):
        return inner
    return values


def _only_texts(value: dict[str, Any]) -> list[str] | None:
    """Return the texts that an object lists under its only name that looks like that of a column."""
    likely = [column for name, column in value.items() if is_like(name)]
    if len(likely) != 1 or not isinstance(likely[0], list) or not all(isinstance(text, str) for text in likely[0]):
        return None
    return likely[0] or None


def _turned(columns: dict[str, Any]) -> list[Any]:
    """Turn columns into rows: lists of equal length, or objects by row."""
    sizes = {len(column) for column in columns.values()}
    if len(sizes) != 1:
        return [columns]
    if all(isinstance(column, list) for column in columns.values()):
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if not all(isinstance(column, dict) for column in columns.values()):
        return [columns]
    rows = list(next(iter(columns.values())))
    return [{name: column.get(row) for name, column in columns.items()} for row in rows]


def _header(values: list[Found], label: str, unit: str) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for place, found in values:
        for name in found:
            names[name] = None
        if len(names) > MAX_COLUMNS:
            reason = f"there are more than {MAX_COLUMNS:,} names up to here, but each name is a column"
            raise refuse(label, place, reason, "leave out the names that no prompt needs", unit)
    return tuple(names)


def _records(values: list[Found], label: str, unit: str) -> Iterator[Record]:
    header = _header(values, label, unit)
    budget = Budget(label, unit)
    for place, found in values:
        budget.spend(place, len(header))
        yield place, tuple(map(found.get, header))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = {name.strip(): value for name, value in pairs}
    if len(found) == len(pairs):
        return found
    names = [name.strip() for name, _ in pairs]
    twice = next(name for name in names if names.count(name) > 1) if len(names) < MAX_COLUMNS else ""
    raise ValueError(f"{twice!r} is there twice" if twice in COLUMNS else "a name is there twice")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"character {error.colno} is where this stops to be JSON ({error.msg})"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error).partition(";")[0]
