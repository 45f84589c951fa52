"""The matrix: one row asks for several videos, and each has the key of an ordinary row."""

from pathlib import Path

import pytest

from dailies.errors import InputError
from dailies.prompts.options import AS_WRITTEN, ReadOptions
from dailies.prompts.reader import PromptFile, PromptRow, read_prompts

K, L = "fal/kling-2", "fal/luma-ray-2"

FAULTS = {
    f"A,{K}|sora,,": "column model: there is no model sora",
    f"A,{K}|{K},,": "column model: fal/kling-2 is named twice",
    f"A,{K}|,,": "column model: fal/kling-2| has an empty place beside a |",
    "A,|,,": "column model: | has an empty place",
    "A,,16:9|16:9,": "column aspect_ratio: 16:9 is named twice",
    f"A,{K}|fal/hailuo-02,16:9|1:1,": "column aspect_ratio: fal/hailuo-02 has no 1:1; use 16:9 or 9:16",
    "A,,,0": "column takes: 0 is not a whole number from 1 to 1,000; use 1, 2, 3 and so on",
    "A,,,1001": "column takes: 1001 is not a whole number",
    "A,,,two": "column takes: two is not a whole number",
}


def read(path: Path, text: str, options: ReadOptions = AS_WRITTEN) -> PromptFile:
    (path / "shots.csv").write_text(text, "utf-8")
    return read_prompts(path / "shots.csv", options)


def cell(row: PromptRow) -> tuple[str, str, int]:
    return row.model, row.aspect_ratio, row.take


def test_every_combination_is_a_row_models_first(tmp_path: Path) -> None:
    file = read(tmp_path, f"prompt,model,aspect_ratio,takes\nA fox,{K} | {L},16:9|9:16,2\n")
    assert [cell(row) for row in file.rows] == [
        (model, ratio, take) for model in (K, L) for ratio in ("16:9", "9:16") for take in (1, 2)
    ]
    assert {row.source_line for row in file.rows} == {2}
    assert len({row.row_key for row in file.rows}) == 8


def test_cells_have_the_keys_of_rows_that_ask_for_the_same(tmp_path: Path) -> None:
    matrix = read(tmp_path, f"prompt,model,aspect_ratio,takes\nA fox,{K}|{L},1:1|16:9,2\n")
    lines = [f"A fox,{model},{ratio}" for model in (K, L) for ratio in ("1:1", "16:9") for _ in range(2)]
    plain = read(tmp_path, "prompt,model,aspect_ratio\n" + "\n".join(lines))
    assert [row.row_key for row in matrix.rows] == [row.row_key for row in plain.rows]
    assert matrix.expanded
    assert not plain.expanded


def test_one_more_take_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    two = read(tmp_path, "prompt,takes\nA fox,2\n").rows
    three = read(tmp_path, "prompt,takes\nA fox,3\n").rows
    assert [row.row_key for row in three[:2]] == [row.row_key for row in two]


def test_takes_go_round_explicit_ones(tmp_path: Path) -> None:
    file = read(tmp_path, "prompt,take,takes\nA fox,,2\nA fox,2,\nA fox,,\n")
    assert [row.take for row in file.rows] == [1, 3, 2, 4]


def test_each_model_takes_its_own_defaults(tmp_path: Path) -> None:
    file = read(tmp_path, f"prompt,model\nA fox,{K}|google/veo-3\n")
    assert [(row.model, row.duration_s) for row in file.rows] == [(K, 5), ("google/veo-3", 8)]


def test_an_explicit_take_goes_through_the_matrix(tmp_path: Path) -> None:
    file = read(tmp_path, f"prompt,model,take\nA fox,{K}|{L},3\n")
    assert [cell(row) for row in file.rows] == [(K, "16:9", 3), (L, "16:9", 3)]


def test_a_row_whose_take_is_taken_reserves_none_of_its_cells(tmp_path: Path) -> None:
    text = f"prompt,model,take\nA fox,{K},1\nA fox,{L}|{K},1\nA fox,{L},1\n"
    file = read(tmp_path, text, ReadOptions(skip_bad_rows=True))
    assert [row.source_line for row in file.rows] == [2, 4]
    assert "line 2 already asks for take 1 of the same request" in str(file.rejected[0].errors[0])


def test_take_and_takes_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="column takes: the row names one take and asks for several at once"):
        read(tmp_path, "prompt,take,takes\nA fox,1,2\n")


@pytest.mark.parametrize("line", FAULTS)
def test_a_row_is_refused_as_a_whole(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError) as refused:
        read(tmp_path, f"prompt,model,aspect_ratio,takes\n{line}\n")
    assert len(refused.value.errors) == 1
    assert f"line 2, {FAULTS[line]}" in str(refused.value)


def test_the_first_records_are_records_not_videos(tmp_path: Path) -> None:
    file = read(tmp_path, "prompt,takes\nA fox,3\nAn owl,2\n")
    assert len(file.first(1).rows) == 3
    assert file.record_count == 2


def test_too_many_videos_are_refused_before_they_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dailies.prompts.row_builder.MAX_VIDEOS", 1500)
    with pytest.raises(InputError, match="line 3: the rows up to here ask for more than 1,500 videos; split the file"):
        read(tmp_path, "prompt,takes\nA fox,1000\nAn owl,1000\n")
