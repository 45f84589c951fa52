"""A starter sheet: rows that a run accepts as they are, with hints that say what each column takes and costs."""

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from dailies.catalogue import VideoModel, load_catalogue
from dailies.errors import RefusedError
from dailies.pricing import Tariff
from dailies.system.durable import replace_file

_HEADER = ("id", "prompt", "model", "duration", "aspect_ratio", "meta.client", "meta.hint")
_WRITTEN_ROWS = 1_000
_WIDTHS = (10, 60, 20, 10, 14, 16, 80)


def write_starter(path: Path, *, default_model: str, tariff: Tariff, now: datetime) -> None:
    """Write a starter sheet; ``.xlsx`` gets lists to choose models and ratios from, any other ending is CSV.

    Args:
        path: where to; nothing there is overwritten.
        default_model: the model of rows that name none.
        tariff: what seconds of video cost.
        now: the month whose rate counts.

    Raises:
        RefusedError: there is a file of this name already.
        OSError: the folder cannot be written.
    """
    if path.exists():
        raise RefusedError(f"{path} exists already; choose another name")
    rows = list(_rows(default_model, tariff, now))
    write = _write_xlsx if path.suffix.lower() == ".xlsx" else _write_csv
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, lambda file: write(file, rows))


def _rows(default_model: str, tariff: Tariff, now: datetime) -> Iterator[tuple[str, ...]]:
    """Yield one row for each thing to know; only the prompt is required."""
    model = load_catalogue()[default_model]
    other = next(one for one in load_catalogue().values() if one.id != default_model)
    yield _HEADER
    hint = f"Only prompt is required. Without a model this is {model.id}: {_price(model, tariff, now)}"
    yield "shot-1", "A red fox runs through fresh snow at dawn, slow push in", "", "", "", "", hint
    hint = f"duration: whole seconds, 1 to {other.max_duration_s} for {other.id}: {_price(other, tariff, now)}"
    seconds = str(other.default_duration_s)
    yield "shot-2", "A lighthouse in a storm at night, aerial view", other.id, seconds, "", "", hint
    ratio = model.aspect_ratios[-1]
    hint = f"aspect_ratio: {', '.join(model.aspect_ratios)}. meta.client is a label of yours; dailies status sums by it"
    yield "shot-3", "Rain on a window, city lights behind it, close-up", model.id, "", ratio, "Lucero", hint


def _price(model: VideoModel, tariff: Tariff, now: datetime) -> str:
    seconds = model.default_duration_s
    worst = tariff.worst_mxn([model], seconds, now)
    if worst is None:
        return f"{seconds} s cost {tariff.worst_usd([model], seconds):.2f} USD"
    return f"{seconds} s cost {worst:.2f} MXN"


def _write_csv(file: BinaryIO, rows: list[tuple[str, ...]]) -> None:
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
    csv.writer(text).writerows(rows)
    text.detach()


def _write_xlsx(file: BinaryIO, rows: list[tuple[str, ...]]) -> None:
    """Write the sheet, with lists to choose from, and a second sheet of what there is."""
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "prompts"
    sheet.freeze_panes = "A2"
    for row in rows:
        sheet.append([int(cell) if cell.isdecimal() else cell or None for cell in row])
    for column, width in zip("ABCDEFG", _WIDTHS, strict=True):
        sheet.column_dimensions[column].width = width
        sheet[f"{column}1"].font = Font(bold=True)
    ratios = sorted({ratio for model in load_catalogue().values() for ratio in model.aspect_ratios})
    for column, names in (("C", list(load_catalogue())), ("E", ratios)):
        choice: Any = DataValidation(type="list", formula1=f'"{",".join(names)}"', allow_blank=True)
        choice.showErrorMessage = False  # several with | between them are allowed, too
        choice.add(f"{column}2:{column}{_WRITTEN_ROWS}")
        sheet.add_data_validation(choice)
    for number in range(2, _WRITTEN_ROWS + 1):
        sheet[f"E{number}"].number_format = "@"  # or Excel takes 16:9 for a time
    book.save(file)
