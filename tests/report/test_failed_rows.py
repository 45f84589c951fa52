"""The failed rows as a file to work on: valid input, the same requests, with their reasons."""

import csv
from pathlib import Path

import pytest

from dailies.ledger.entry import EntryStatus
from dailies.planning.next_attempt import AttemptPolicy
from dailies.planning.outcome import read_outcome
from dailies.prompts.reader import PromptFile, read_prompts
from dailies.report.failed_rows import write_failed
from tests.factories import completed, make_entry, make_folder

CSV = """id,prompt,model,take,fallback,meta.shot,meta.reason
one,a calm sea,,,,7,
two,a calm sea,,,fal/hailuo-02,8,the old reason
three,"a storm, rising",fal/luma-ray-2,,,,
"""


def failed_rows(folder_path: Path, prompts: PromptFile, output: Path, failed: set[str]) -> int:
    """Write the failed rows of rows that all ran."""
    folder = make_folder(folder_path)
    entries = [
        make_entry(
            row.prompt,
            row_key=row.row_key,
            source_line=row.source_line,
            status=EntryStatus.FAILED,
            error_code="content_filter",
            error="blocked",
        )
        for row in prompts.rows
    ]
    with folder.lock():
        folder.put(
            entry if row.prompt_id in failed else completed(entry, error=None, error_code=None)
            for row, entry in zip(prompts.rows, entries, strict=True)
        )
    outcome = read_outcome(folder, prompts, AttemptPolicy())
    return write_failed(output, outcome)


@pytest.fixture
def prompts(tmp_path: Path) -> PromptFile:
    path = tmp_path / "prompts.csv"
    path.write_text(CSV)
    return read_prompts(path)


def test_failed_rows_come_back_as_the_same_requests(prompts: PromptFile, tmp_path: Path) -> None:
    again = tmp_path / "again.csv"
    assert failed_rows(tmp_path / "ledger", prompts, again, {"two", "three"}) == 2
    read = read_prompts(again)
    assert [row.row_key for row in read.rows] == [row.row_key for row in prompts.rows[1:]]
    assert [row.take for row in read.rows] == [2, 1]
    assert read.rows[0].fallback == ("fal/hailuo-02",)


def test_they_are_the_same_requests_whatever_the_default_model_is_then(prompts: PromptFile, tmp_path: Path) -> None:
    again = tmp_path / "again.csv"
    failed_rows(tmp_path / "ledger", prompts, again, {"one"})
    read = read_prompts(again, default_model="google/veo-3.1")
    assert [row.row_key for row in read.rows] == [prompts.rows[0].row_key]


def test_each_has_its_reason_and_its_metadata(prompts: PromptFile, tmp_path: Path) -> None:
    again = tmp_path / "again.csv"
    failed_rows(tmp_path / "ledger", prompts, again, {"two"})
    (line,) = csv.DictReader(again.read_text("utf-8").splitlines())
    assert (line["id"], line["meta.shot"], line["meta.reason"]) == ("two", "8", "blocked")


def test_a_file_of_failed_rows_can_fail_and_be_written_again(prompts: PromptFile, tmp_path: Path) -> None:
    first, second = tmp_path / "again.csv", tmp_path / "once-more.csv"
    failed_rows(tmp_path / "ledger", prompts, first, {"two", "three"})
    assert failed_rows(tmp_path / "other", read_prompts(first), second, {"three"}) == 1
    assert [row.prompt for row in read_prompts(second).rows] == ["a storm, rising"]


def test_nothing_is_written_where_nothing_failed(prompts: PromptFile, tmp_path: Path) -> None:
    again = tmp_path / "again.csv"
    assert failed_rows(tmp_path / "ledger", prompts, again, set()) == 0
    assert not again.exists()


@pytest.mark.parametrize("ending", ["jsonl", "parquet", "xlsx"])
def test_other_formats_are_input_again_too(prompts: PromptFile, tmp_path: Path, ending: str) -> None:
    again = tmp_path / f"again.{ending}"
    failed_rows(tmp_path / "ledger", prompts, again, {"two", "three"})
    assert {row.row_key for row in read_prompts(again).rows} == {row.row_key for row in prompts.rows[1:]}


def test_a_prompt_with_braces_stays_the_request_that_it_was(tmp_path: Path) -> None:
    (tmp_path / "braces.csv").write_text('id,prompt,meta.mood\none,"{mood} sea, a sign says {{mood}}",calm\n')
    prompts = read_prompts(tmp_path / "braces.csv")
    assert failed_rows(tmp_path / "ledger", prompts, tmp_path / "again.csv", {"one"}) == 1
    again = read_prompts(tmp_path / "again.csv")
    assert prompts.rows[0].prompt == "calm sea, a sign says {mood}"
    assert [row.row_key for row in again.rows] == [row.row_key for row in prompts.rows]
