"""JSON Lines: one object a line, its names are the columns."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from dailies.errors import InputError, RowError
from dailies.prompts.cells import Fault
from dailies.prompts.sources.csv_file import decode_lines
from dailies.prompts.sources.table import Record, Table
from dailies.prompts.sources.typed_values import read_value

_ONE_A_LINE = 'write one object a line: {"prompt": "A fox", "model": "fal/kling-2"}'


def read_jsonl(stream: BinaryIO, label: str) -> Table:
    """Read every line; columns stand in the order in which they first appear.

    Raises:
        InputError: the bytes are no UTF-8, or lines are no objects; with every such line.
    """
    objects: list[tuple[int, dict[str, Any]]] = []
    errors: list[RowError] = []
    for line, text in enumerate(decode_lines(stream, label), 1):
        if not text.strip():
            continue
        try:
            objects.append((line, _object(text)))
        except (ValueError, RecursionError) as error:
            errors.append(RowError(label, line, None, _reason(error), _ONE_A_LINE))
    if not objects and not errors:
        errors.append(RowError(label, None, None, "the file is empty", _ONE_A_LINE))
    if errors:
        raise InputError(tuple(errors))
    header = tuple(dict.fromkeys(name for _, found in objects for name in found))
    faults: dict[int, list[Fault]] = {}
    return Table(label, header, _records(objects, header, faults), faults=faults)


def _object(text: str) -> dict[str, Any]:
    found = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    if not isinstance(found, dict):
        raise ValueError("the line is no object")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name.strip() in found:
            raise ValueError(f"{name.strip()!r:.60} is there twice")
        found[name.strip()] = value
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"character {error.colno} is where this stops to be JSON ({error.msg})"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error).partition(";")[0]


def _records(
    objects: list[tuple[int, dict[str, Any]]], header: tuple[str, ...], faults: dict[int, list[Fault]]
) -> Iterator[Record]:
    names = [name.strip().lower() for name in header]
    for line, found in objects:
        values = [read_value(name, found.get(key)) for name, key in zip(names, header, strict=True)]
        if wrong := [value for value in values if isinstance(value, Fault)]:
            faults[line] = wrong
        yield line, tuple("" if isinstance(value, Fault) else value for value in values)
