"""Results: the input's columns and order, every record, in any format."""

import csv
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dailies.ledger.entry import EntryStatus
from dailies.planning.outcome import Outcome, RowOutcome
from dailies.prompts.options import ReadOptions
from dailies.prompts.reader import PromptFile, PromptRow, read_prompts
from dailies.report.results import RESULT_COLUMNS, SENT_COLUMNS, SOURCE_COLUMNS, result_columns, write_results
from dailies.report.table_formats import ResultsFormat
from tests.factories import completed, make_entry


def outcome_of(prompts: PromptFile) -> Outcome:
    """Every second row has its video, the others were never claimed."""
    return Outcome(prompts, tuple(_outcome(row, number) for number, row in enumerate(prompts.rows)))


def _outcome(row: PromptRow, number: int) -> RowOutcome:
    entry = completed(make_entry(row.prompt, row_key=row.row_key)) if number % 2 == 0 else None
    return RowOutcome(row, entry, None, entry is not None)


def results(tmp_path: Path, prompts: PromptFile) -> list[dict[str, str]]:
    write_results(tmp_path / "out" / "done.csv", outcome_of(prompts))
    with (tmp_path / "out" / "done.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_input_columns_and_order_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("ID,Prompt\n1, A fox \n2\n3,An owl\n")
    rows = results(tmp_path, read_prompts("a.csv", ReadOptions(skip_bad_rows=True)))
    assert list(rows[0]) == ["ID", "Prompt", *RESULT_COLUMNS]
    assert [(row["ID"], row["Prompt"], row["status"]) for row in rows] == [
        ("1", " A fox ", "completed"),
        ("2", "", "rejected"),
        ("3", "An owl", ""),
    ]
    assert rows[0]["charged_mxn"] == "4.200000"
    assert "only 1 of the header's 2 cells" in rows[1]["reason"]
    assert rows[2]["reason"] == "not claimed yet"


def test_a_record_stands_there_for_each_of_its_videos_and_says_what_was_sent(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "meta.x,model,takes\nfox,fal/kling-2|fal/luma-ray-2,2\nowl,sora,\ncat,,\n", encoding="utf-8"
    )
    rows = results(tmp_path, read_prompts("a.csv", ReadOptions(template="A {x}", skip_bad_rows=True)))
    assert list(rows[0]) == ["meta.x", "model", "takes", *RESULT_COLUMNS, *SENT_COLUMNS]
    assert [(row["meta.x"], row["sent_prompt"], row["sent_model"], row["sent_take"]) for row in rows] == [
        ("fox", "A fox", "fal/kling-2", "1"),
        ("fox", "A fox", "fal/kling-2", "2"),
        ("fox", "A fox", "fal/luma-ray-2", "1"),
        ("fox", "A fox", "fal/luma-ray-2", "2"),
        ("owl", "", "", ""),
        ("cat", "A cat", "fal/kling-2", "1"),
    ]
    assert len({row["row_key"] for row in rows}) == 6


def test_several_sources_say_where_a_row_comes_from_and_share_their_videos(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("prompt,id\nA fox,1\nAn owl,2\n")
    (tmp_path / "b.csv").write_text("meta.x,PROMPT\nnight,A fox\n")
    rows = results(tmp_path, read_prompts(["a.csv", "b.csv"]))
    assert list(rows[0]) == ["prompt", "id", "meta.x", *RESULT_COLUMNS, *SOURCE_COLUMNS]
    assert [(row["source"], row["source_line"], row["prompt"], row["id"], row["meta.x"]) for row in rows] == [
        ("a.csv", "2", "A fox", "1", ""),
        ("a.csv", "3", "An owl", "2", ""),
        ("b.csv", "2", "A fox", "", "night"),
    ]
    assert rows[2]["video_url"] == rows[0]["video_url"] != ""
    assert rows[2]["row_key"] == rows[0]["row_key"]


@pytest.fixture
def odd(tmp_path: Path) -> Outcome:
    """Cells that formats choke on: a formula, a control character, quotes."""
    (tmp_path / "a.csv").write_text('prompt,id\n=1+1,\nAn owl,\x07\n"A ""cat"", too",\n')
    return outcome_of(read_prompts("a.csv", ReadOptions(skip_bad_rows=True)))


def test_xlsx_has_texts_and_numbers_and_no_formulas(tmp_path: Path, odd: Outcome) -> None:
    write_results(tmp_path / "done.xlsx", odd)
    sheet = openpyxl.load_workbook(tmp_path / "done.xlsx").active
    assert sheet is not None
    header, *rows = [list(row) for row in sheet.iter_rows()]
    assert tuple(cell.value for cell in header) == result_columns(odd)
    assert sheet.freeze_panes == "A2"
    assert [(row[0].value, row[0].data_type) for row in rows][:2] == [("=1+1", "s"), ("An owl", "s")]
    assert rows[1][1].value == "\N{REPLACEMENT CHARACTER}"
    assert (rows[0][5].value, rows[0][5].data_type) == (4.2, "n")


def test_jsonl_has_an_object_a_row(tmp_path: Path, odd: Outcome) -> None:
    write_results(tmp_path / "done.jsonl", odd)
    rows = [json.loads(line) for line in (tmp_path / "done.jsonl").read_text("utf-8").splitlines()]
    assert [row["prompt"] for row in rows] == ["=1+1", "An owl", 'A "cat", too']
    assert (rows[0]["charged_mxn"], rows[2]["charged_mxn"]) == (4.2, None)


def test_parquet_has_exact_amounts(tmp_path: Path, odd: Outcome) -> None:
    write_results(tmp_path / "done.parquet", odd)
    table = pq.read_table(tmp_path / "done.parquet")
    assert table.schema.field("charged_mxn").type == pa.decimal128(18, 6)
    assert table.column("charged_mxn").to_pylist() == [Decimal("4.200000"), None, None]
    assert tuple(table.column_names) == result_columns(odd)


@pytest.mark.parametrize("form", ["csv", "xlsx", "jsonl", "parquet"])
def test_the_format_that_is_asked_for_wins_over_the_ending(tmp_path: Path, odd: Outcome, form: ResultsFormat) -> None:
    write_results(tmp_path / "done.txt", odd, form)
    write_results(tmp_path / f"done.{form}", odd)
    if form != "xlsx":  # a workbook notes when it was written
        assert (tmp_path / "done.txt").read_bytes() == (tmp_path / f"done.{form}").read_bytes()


def test_results_of_a_typed_source_are_read_again_as_the_same_rows(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"prompt": "A fox", "duration": 5.0}\n{"prompt": "A fox"}\n')
    prompts = read_prompts("a.jsonl")
    rows = results(tmp_path, prompts)
    assert [row["duration"] for row in rows] == ["5", ""]
    assert [row["status"] for row in rows] == [EntryStatus.COMPLETED.value, ""]


@pytest.mark.parametrize("start", list("=+-@\t\r"))
def test_a_cell_of_the_service_is_no_formula_in_csv_and_unchanged_elsewhere(tmp_path: Path, start: str) -> None:
    (tmp_path / "a.csv").write_text("prompt\n=1+1\n", encoding="utf-8")
    prompts = read_prompts("a.csv")
    hostile = f'{start}HYPERLINK("http://evil.example")'
    row = prompts.rows[0]
    failed = replace(
        make_entry(row.prompt, row_key=row.row_key),
        status=EntryStatus.FAILED,
        error=hostile,
        video_url=hostile,
        job_id=hostile,
    )
    outcome = Outcome(prompts, (RowOutcome(row, failed, None, True),))
    for form in ("csv", "jsonl"):
        write_results(tmp_path / f"out.{form}", outcome)
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        cells = next(csv.DictReader(file))
    kept = json.loads((tmp_path / "out.jsonl").read_text("utf-8"))
    assert (cells["video_url"], cells["job_id"]) == (f"'{hostile}", f"'{hostile}")
    assert not cells["reason"].startswith(start)
    assert (kept["video_url"], kept["job_id"]) == (hostile, hostile)
    assert cells["prompt"] == "=1+1", "the input's own columns stay as they are"


def test_a_byte_order_mark_for_excel_reads_back(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("prompt\nun corazón de café\n", "utf-8")
    path = tmp_path / "done.csv"
    prompts = read_prompts("a.csv", ReadOptions())
    write_results(path, outcome_of(prompts), bom=True)
    assert path.read_bytes().startswith("\ufeffprompt,".encode())
    again = read_prompts("done.csv", ReadOptions(others="ignore"))
    assert [row.prompt for row in again.rows] == ["un corazón de café"]
    write_results(tmp_path / "done.jsonl", outcome_of(prompts), bom=True)
    assert (tmp_path / "done.jsonl").read_bytes().startswith(b"{")
