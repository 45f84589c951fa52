"""A cell of a workbook as the person who filled it in sees it, where that is certain.

Numbers with a plain format (whole, with decimals, with thousands, per cent) are written as they are shown; dates and
times in ISO 8601, because how Excel shows them depends on the machine. A ratio such as ``16:9`` that Excel took for the
time 16:09 is read as the ratio it was. Any other format (currencies, fractions, one's own) is refused: what is
shown cannot be told for certain.
"""

import re
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from dailies.prompts.cells import Fault, shown
from dailies.prompts.sources.typed_values import date_text, number_text

_PLAIN = re.compile(r"(?P<thousands>#,##)?0(?:\.(?P<places>0+))?(?P<percent>%)?")
_AS_TEXT = "give the cell the format Text and write what it should say"


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
    if (plain := _PLAIN.fullmatch(form)) is None:
        reason = f"how Excel shows {value} in the format {shown(form)} is not certain"
        return Fault(column or None, reason, _AS_TEXT)
    exact = Decimal(repr(value)).scaleb(2 if plain["percent"] else 0)
    rounded = exact.quantize(Decimal(1).scaleb(-len(plain["places"] or "")), ROUND_HALF_UP)
    return f"{rounded:{',' if plain['thousands'] else ''}f}{plain['percent'] or ''}"
