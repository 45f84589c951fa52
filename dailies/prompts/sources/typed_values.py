"""Writes typed values as texts, for formats that know types: what is certain is written out, the rest is refused.

A column that holds a text takes texts only, so that no text is sent that no person wrote: a ``prompt`` of 5 is a slip.
"""

import json
import math
from datetime import date, datetime, time
from decimal import Decimal

from dailies.prompts.cells import Fault, shown

_TEXTS = frozenset({"prompt", "model", "aspect_ratio", "fallback"})
_NUMBERS = frozenset({"duration", "take", "takes"})
_EXACT = 10**15  # below it a binary float holds every whole number


def read_value(column: str, value: object, keeps_lists: bool = False) -> str | Fault:
    """Write one value out as the text of a cell, or say why that is not possible.

    Args:
        column: the column's name in lower case.
        value: a text, a number, a truth value, a date or time, None (an empty cell), or anything else.
        keeps_lists: whether a list or an object is written as JSON; it is refused otherwise.
    """
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return _mistyped(column, value, "true or false") if _is_known(column) else str(value).lower()
    if column in _TEXTS:
        return _mistyped(column, value, _kind(value))
    if isinstance(value, int | float | Decimal):
        if column == "id" and value % 1:  # a number of the kind that programs make; people do not call a row 1.5
            return _mistyped(column, value, "a fraction")
        return number_text(value) or Fault(column, f"{shown(str(value))} is no finite number", "write it as a text")
    if keeps_lists and isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, (date, time)) and not _is_known(column):
        return date_text(value)
    return _mistyped(column, value, _kind(value))


def number_text(value: float | Decimal) -> str:
    """Return a number as a person writes it: 5 and 5.0 are both ``5``; empty if it is not finite."""
    if isinstance(value, int):
        return str(value)
    if not (value.is_finite() if isinstance(value, Decimal) else math.isfinite(value)):
        return ""
    if -_EXACT < value < _EXACT and value == int(value):
        return str(int(value))
    return f"{value:f}" if isinstance(value, Decimal) else repr(float(value))


def date_text(value: date | time) -> str:
    """Return a date, a time or both in ISO 8601, the time only where there is one: ``2026-11-12``."""
    if isinstance(value, datetime) and value.time() == time(0) and value.tzinfo is None:
        value = value.date()
    return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()


def _is_known(column: str) -> bool:
    return column in _TEXTS or column in _NUMBERS or column == "id"


def _mistyped(column: str, value: object, kind: str) -> Fault:
    if isinstance(value, list | tuple):
        return Fault(column, f"a list stands where one value belongs: {shown(str(value))}", 'join it: "a|b"')
    if isinstance(value, dict):
        return Fault(column, "an object stands where one value belongs", "give each of its values a column meta.<name>")
    wanted = "a whole number" if column in _NUMBERS else "a text"
    return Fault(column, f"{shown(str(value))} is {kind}, but {wanted} belongs here", f"write it as {wanted}")


def _kind(value: object) -> str:
    match value:
        case int() | float() | Decimal():
            return "a number"
        case date() | time():
            return "a date or a time"
    return f"of the type {type(value).__name__}"
