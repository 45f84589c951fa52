"""Fixing mends the form and leaves the words to a person."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dailies.errors import InputError
from dailies.prompts.reader import read_prompts
from dailies.prompts.repair import Fixed, fix_prompts

CLEAN = "id,prompt,meta.client\n1,A fox,Lucero\n2,An owl,\n"


def fix(tmp_path: Path, content: bytes | str, name: str = "shots.csv") -> tuple[Fixed, str]:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    fixed = fix_prompts(str(tmp_path / name), tmp_path / "clean.csv", default_model="fal/kling-2")
    return fixed, (tmp_path / "clean.csv").read_bytes().decode()


@pytest.mark.parametrize(
    "content",
    [
        CLEAN,
        "\ufeff" + CLEAN,
        CLEAN.replace(",", ";"),
        CLEAN.replace(",", "\t").replace("\n", "\r\n"),
        CLEAN.encode("utf-16"),
        "ID, Prompt ,META.Client\n\n 1 ,A fox, Lucero\n,,\n2,An owl \n".replace("owl \n", "owl ,\n"),
        '"id","prompt","meta.client"\r"1","A fox","Lucero"\r"2","An owl",""\r',
    ],
)
def test_the_form_is_mended(tmp_path: Path, content: bytes | str) -> None:
    fixed, text = fix(tmp_path, content)
    assert text == CLEAN
    assert (fixed.records, fixed.left) == (2, ())


def test_what_was_changed_is_counted(tmp_path: Path) -> None:
    assert fix(tmp_path, CLEAN)[0].changed == 0
    assert fix(tmp_path, CLEAN.replace("A fox", " A fox ").replace("id", "Id"))[0].changed == 2


def test_what_is_left_is_listed_with_its_places_in_the_new_file(tmp_path: Path) -> None:
    fixed, text = fix(tmp_path, "\n\nprompt;duration\n A fox ;99\nAn owl;5.0\n")
    assert [str(error).partition("clean.csv ")[2].partition(":")[0] for error in fixed.left] == [
        "line 2, column duration",
        "line 3, column duration",
    ]
    assert text.splitlines()[1:] == ["A fox,99", "An owl,5.0"]


def test_ragged_rows_stay_as_they_are(tmp_path: Path) -> None:
    fixed, text = fix(tmp_path, "prompt,id\nA fox\nA cat, a hat,1\n")
    assert text == "prompt,id\nA fox\nA cat,a hat,1\n"
    assert len(fixed.left) == 2


def test_any_format_becomes_a_csv(tmp_path: Path) -> None:
    pq.write_table(pa.table({"prompt": [" A fox "], "duration": [5.0]}), tmp_path / "shots.parquet")
    fix_prompts(str(tmp_path / "shots.parquet"), tmp_path / "clean.csv", default_model="fal/kling-2")
    assert (tmp_path / "clean.csv").read_text() == "prompt,duration\nA fox,5\n"


def test_cells_that_are_no_text_are_told(tmp_path: Path) -> None:
    fixed, text = fix(tmp_path, '{"prompt": "A fox", "meta.x": [1]}', "shots.jsonl")
    assert "shots.jsonl line 1, column meta.x: a list stands" in str(fixed.left[0])
    assert text == "prompt,meta.x\nA fox,\n"


def test_the_source_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "shots.csv").write_text(CLEAN)
    with pytest.raises(InputError, match="the source itself would be overwritten; choose another name"):
        fix_prompts(str(tmp_path / "shots.csv"), tmp_path / "shots.csv", default_model="fal/kling-2")
    assert (tmp_path / "shots.csv").read_text() == CLEAN


@pytest.mark.parametrize("content", [b'prompt\n"An owl\n', b"Caf\xe9\n", b"", b"\xff\xfea"])
def test_what_cannot_be_mended_writes_nothing(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError):
        fix(tmp_path, content)
    assert not (tmp_path / "clean.csv").exists()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.text(max_size=8), st.sampled_from(["", " 5", "5 ", "99"])), min_size=1, max_size=4))
def test_a_fixed_file_asks_for_what_the_source_asked_for(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    import csv

    folder = tmp_path_factory.mktemp("fix")
    with (folder / "shots.csv").open("w", newline="", encoding="utf-8", errors="replace") as file:
        csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL).writerows([("prompt", "duration"), *rows])
    try:
        before = read_prompts(folder / "shots.csv", skip_bad_rows=True)
    except InputError:
        return
    fix_prompts(str(folder / "shots.csv"), folder / "clean.csv", default_model="fal/kling-2")
    after = read_prompts(folder / "clean.csv", skip_bad_rows=True)
    assert [row.row_key for row in after.rows] == [row.row_key for row in before.rows]
