"""Workbooks: what a person sees in a cell is what is read, or the row is refused."""

import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from dailies.errors import InputError
from dailies.prompts.options import AS_WRITTEN, ReadOptions
from dailies.prompts.reader import read_prompts

SEEN: list[tuple[Any, str, str]] = [
    (5, "General", "5"),
    (5.0, "General", "5"),
    (0.1 + 0.2, "General", "0.3"),
    (12.5, "0.00", "12.50"),
    (2.345, "0.00", "2.35"),
    (1299, "#,##0", "1,299"),
    (1234567.891, "#,##0.00", "1,234,567.89"),
    (0.05, "0%", "5%"),
    (0.125, "0.0%", "12.5%"),
    (7, "@", "7"),
    (True, "General", "TRUE"),
    (date(2026, 11, 12), "dd/mm/yyyy", "2026-11-12"),
    (datetime(2026, 11, 12, 18, 30), "yyyy-mm-dd h:mm", "2026-11-12 18:30:00"),
    (time(18, 30), "h:mm", "18:30:00"),
    ("  as it is ", "General", "as it is"),
]


@pytest.fixture
def book(tmp_path: Path) -> Callable[..., Path]:
    def write(*rows: list[Any], form: str | None = None, title: str = "Shots") -> Path:
        workbook = Workbook()
        sheet = workbook.active
        assert sheet is not None
        sheet.title = title
        for row in rows:
            sheet.append(row)
        if form is not None:
            sheet.cell(len(rows), len(rows[-1])).number_format = form
        workbook.save(tmp_path / "shots.xlsx")
        return tmp_path / "shots.xlsx"

    return write


def refusal(path: Path | str, options: ReadOptions = AS_WRITTEN) -> str:
    with pytest.raises(InputError) as refused:
        read_prompts(path, options)
    return str(refused.value).replace(str(path), "shots.xlsx")


def replace_part(path: Path, name: str, change: Callable[[str], str]) -> None:
    with zipfile.ZipFile(path) as old:
        parts = {part: old.read(part) for part in old.namelist()}
    parts[name] = change(parts[name].decode()).encode()
    with zipfile.ZipFile(path, "w") as new:
        for part, content in parts.items():
            new.writestr(part, content)


@pytest.mark.parametrize(("value", "form", "text"), SEEN)
def test_a_cell_is_read_as_it_is_seen(book: Callable[..., Path], value: Any, form: str, text: str) -> None:
    path = book(["prompt", "meta.x"], ["A fox", value], form=form)
    assert read_prompts(path).rows[0].metadata == {"x": text}


def test_numbers_are_durations_and_takes_and_ids(book: Callable[..., Path]) -> None:
    path = book(["prompt", "id", "duration", "takes"], ["A fox", 7, 10.0, 2])
    assert [(row.prompt_id, row.duration_s, row.take) for row in read_prompts(path).rows] == [
        ("7", 10, 1),
        ("7", 10, 2),
    ]


@pytest.mark.parametrize(("typed", "ratio"), [(time(16, 9), "16:9"), (time(9, 16), "9:16"), (time(1, 1), "1:1")])
def test_a_ratio_that_excel_took_for_a_time_is_a_ratio(book: Callable[..., Path], typed: time, ratio: str) -> None:
    path = book(["prompt", "aspect_ratio"], ["A fox", typed], form="h:mm")
    assert read_prompts(path).rows[0].aspect_ratio == ratio


def test_rows_are_the_rows_of_the_sheet(book: Callable[..., Path]) -> None:
    path = book([], ["prompt", "id", None], [None, None], ["A fox", "1"], [], ["An owl", "2", "  "])
    file = read_prompts(path)
    assert [(row.source_line, row.prompt) for row in file.rows] == [(4, "A fox"), (6, "An owl")]
    assert file.columns == ("prompt", "id")


@pytest.mark.parametrize("form", ["$#,##0.00", "0.00E+00", "# ?/?", '0" s"'])
def test_a_number_whose_look_is_not_certain_is_refused(book: Callable[..., Path], form: str) -> None:
    message = refusal(book(["prompt", "meta.x"], ["A fox", 5], form=form))
    assert message.startswith("shots.xlsx (Shots) row 2, column meta.x: how Excel shows 5 in the format ")
    assert message.endswith("is not certain; give the cell the format Text and write what it should say")


def test_a_span_of_time_is_refused(book: Callable[..., Path]) -> None:
    path = book(["prompt", "meta.x"], ["A fox", timedelta(hours=30)], form="[h]:mm")
    assert "row 2, column meta.x: 1 day, 6:00:00 is a span of time" in refusal(path)


def test_a_formula_counts_as_what_excel_computed(book: Callable[..., Path]) -> None:
    path = book(["prompt", "id"], ["=A1", 1], ["=A1", 2])

    def compute(xml: str) -> str:
        xml = xml.replace('<c r="A2"><f>A1</f><v />', '<c r="A2" t="str"><f>A1</f><v>A fox</v>')
        return xml.replace('<c r="A3"><f>A1</f><v />', '<c r="A3" t="str"><f>A1</f><v></v>')

    replace_part(path, "xl/worksheets/sheet1.xml", compute)
    file = read_prompts(path, ReadOptions(skip_bad_rows=True))
    assert [row.prompt for row in file.rows] == ["A fox"]
    assert "the prompt is empty" in str(file.rejected[0].errors[0])


def test_a_formula_that_was_never_computed_is_refused(book: Callable[..., Path]) -> None:
    message = refusal(book(["prompt", "duration"], ["A fox", "=2+3"]))
    assert "row 2, column duration: the formula was never computed; open the workbook in Excel and save it" in message


def test_an_error_of_excel_is_refused(book: Callable[..., Path]) -> None:
    message = refusal(book(["prompt", "meta.x"], ["A fox", "#N/A"]))
    assert "row 2, column meta.x: Excel says #N/A; put the formula right, or write the value" in message


def test_merged_cells_are_refused(book: Callable[..., Path], tmp_path: Path) -> None:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in (["prompt", "model"], ["A fox", "fal/kling-2"], ["An owl", None]):
        sheet.append(row)
    sheet.merge_cells("B2:B3")
    workbook.save(tmp_path / "shots.xlsx")
    reason = (
        "(Sheet): the cells B2:B3 are merged, so the other cells of their rows are not certain; unmerge them and fill"
    )
    assert reason in refusal(tmp_path / "shots.xlsx")


def test_a_cell_beside_the_header_is_refused(book: Callable[..., Path]) -> None:
    assert "row 1: column 2 has cells, but no name; say what" in refusal(book(["prompt"], ["A fox", "draft?"]))


def test_another_sheet_is_named_after_a_hash(book: Callable[..., Path], tmp_path: Path) -> None:
    workbook = Workbook()
    for title in ("Day", "Night"):
        sheet = workbook.create_sheet(title)
        sheet.append(["prompt"])
        sheet.append([f"A fox by {title.lower()}"])
    workbook["Sheet"].sheet_state = "hidden"
    workbook.save(tmp_path / "shots.xlsx")
    assert [row.prompt for row in read_prompts("shots.xlsx").rows] == ["A fox by day"]
    (row,) = read_prompts("shots.xlsx#Night").rows
    assert (row.source, row.prompt) == ("shots.xlsx#Night", "A fox by night")
    assert "there is no sheet Noon; use one of Sheet, Day, Night" in refusal("shots.xlsx#Noon")
    assert len(read_prompts(["shots.xlsx", "shots.xlsx#Night"]).rows) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1",
            "this is a workbook of the old form (.xls), or one with a password; save it as .xlsx",
        ),
        (b"prompt\nA fox\n", "the workbook cannot be read (File is not a zip file); save it again as .xlsx"),
        (b"", "the workbook cannot be read (File is not a zip file)"),
    ],
)
def test_what_is_no_workbook_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "shots.xlsx").write_bytes(content)
    assert f"shots.xlsx: {message}" in refusal(tmp_path / "shots.xlsx")


def test_a_zip_that_is_no_workbook_is_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "shots.xlsx", "w") as archive:
        archive.writestr("a.txt", "x")
    assert "the workbook cannot be read (" in refusal(tmp_path / "shots.xlsx")


def test_an_empty_sheet_and_one_without_rows_are_told(book: Callable[..., Path]) -> None:
    assert "shots.xlsx (Shots): the sheet is empty" in refusal(book())
    assert "shots.xlsx (Shots): the file has a header but no rows" in refusal(book(["prompt"]))


def test_a_workbook_that_would_fill_the_memory_is_refused(
    book: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dailies.prompts.sources.excel._MAX_BYTES", 1000)
    assert "unpacks to more than" in refusal(book(["prompt"], ["A fox"]))


def test_rows_beyond_what_a_sheet_can_have_end_the_reading(
    book: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = book(["prompt"], ["A fox"], ["An owl"])
    replace_part(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace('<row r="3">', '<row r="99999999999">'))
    monkeypatch.setattr("dailies.prompts.sources.excel._MAX_ROWS", 1000)
    with pytest.raises(InputError, match="more than 1,000 rows"):
        read_prompts(path)


def test_what_a_program_notes_about_a_workbook_warns_nobody(book: Callable[..., Path]) -> None:
    path = book(["prompt"], ["A fox"])
    replace_part(path, "xl/styles.xml", lambda xml: re.sub(r"<cellStyles.*?</cellStyles>", "", xml))
    assert len(read_prompts(path).rows) == 1
