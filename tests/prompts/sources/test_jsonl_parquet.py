"""JSON Lines and Parquet: types are strict, places are lines and rows."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dailies.errors import InputError
from dailies.prompts.reader import PromptFile, read_prompts

LINES: dict[str, str] = {
    "[1]": "row 1: the value is no object; write one object a line: ",
    "{": "line 1: character 2 is where this stops to be JSON (Expecting property name enclosed in double quotes); ",
    '{"prompt": NaN}': "line 1: NaN is no JSON; write one",
    '{"prompt": "a", "prompt": "b"}': "line 1: 'prompt' is there twice; write one",
    '{"prompt": 5}': "line 1, column prompt: 5 is a number, but a text belongs here; write it as a text",
    '{"prompt": true}': "line 1, column prompt: True is true or false, but a text belongs here",
    '{"prompt": "a", "model": ["x"]}': "line 1, column model: a list stands where one value belongs: ['x']; join it",
    '{"prompt": "a", "meta.x": {"y": 1}}': "line 1, column meta.x: an object stands where one value belongs; give",
    '{"prompt": "a", "duration": true}': "line 1, column duration: True is true or false, but a whole number belongs",
    '{"prompt": "a", "duration": 2.5}': "line 1, column duration: 2.5 is not a whole number of seconds in plain digits",
    '{"prompt": "a", "meta.x": 1e999}': "line 1, column meta.x: inf is no finite number; write it as a text",
    '{"prompt": "a", "id": 1.5}': "line 1, column id: 1.5 is a fraction, but a text belongs here; write it as a text",
    "": ": the file is empty; write one object a line",
    '{"prmpt": "a"}': ": there is no column prompt; this column is not known: column 1; column 1 looks like prompt",
    "{}": ": there is no column prompt; say which column holds the prompts: --columns prompt=<name or number>",
    '{"prompt": ""}': ", column prompt: the prompt is empty",
    "[" * 100_000: "line 1: it is nested too deeply; write one",
    '{"prompt": "a", "id": ' + "9" * 5000 + "}": "line 1: Exceeds the limit",
}


def read(path: Path, *lines: str) -> PromptFile:
    (path / "shots.jsonl").write_text("\n".join(lines), "utf-8")
    return read_prompts(path / "shots.jsonl")


def test_objects_are_rows_and_names_are_columns(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        '\ufeff{"prompt": "A fox", "duration": 5, "meta.take": 1.5}',
        "",
        '{"id": 7, "prompt": "Un café", "duration": 7.0, "meta.take": null, "meta.ok": true}',
    )
    assert file.columns == ("prompt", "duration", "meta.take", "id", "meta.ok")
    assert [(row.source_line, row.prompt_id, row.duration_s, row.metadata) for row in file.rows] == [
        (1, None, 5, {"take": "1.5"}),
        (3, "7", 7, {"ok": "true"}),
    ]


def test_digits_in_a_text_are_a_number_where_one_belongs(tmp_path: Path) -> None:
    assert read(tmp_path, '{"prompt": "A fox", "duration": "7", "take": 3}').rows[0].duration_s == 7


@pytest.mark.parametrize("line", LINES)
def test_a_bad_line_is_told(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError) as refused:
        read(tmp_path, line)
    (error, *others) = refused.value.errors
    assert LINES[line] in str(error)
    assert not others or "the prompt is empty" in str(others)


def test_every_bad_line_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        read(tmp_path, "x", '{"prompt": "A fox"}', "y")
    assert [error.line for error in refused.value.errors] == [1, 3]


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "shots.jsonl").write_bytes(b'{"prompt": "A fox"}\n{"prompt": "Caf\xe9"}')
    with pytest.raises(InputError, match=r"line 2: byte 16 of the line \(0xE9\) is not UTF-8"):
        read_prompts(tmp_path / "shots.jsonl")


# Parquet


def write(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path / "shots.parquet")
    return path / "shots.parquet"


def test_columns_of_parquet_are_read_by_type(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        prompt=pa.array(["A fox", "An owl", None]),
        duration=pa.array([5.0, float("nan"), None]),
        **{
            "meta.day": pa.array([date(2026, 11, 12), None, None]),
            "meta.at": pa.array([datetime(2026, 11, 12, 18, 30), None, None]),
            "meta.n": pa.array([Decimal("5.00"), Decimal("2.50"), None]),
            "meta.kind": pa.array(["x", "y", None]).dictionary_encode(),
            "meta.ok": pa.array([True, False, None]),
        },
    )
    first, second = read_prompts(path).rows
    assert (first.source_line, first.duration_s) == (1, 5)
    assert first.metadata == {"day": "2026-11-12", "at": "2026-11-12 18:30:00", "n": "5", "kind": "x", "ok": "true"}
    assert second.metadata == {"n": "2.50", "kind": "y", "ok": "false"}


def test_rows_of_parquet_are_called_rows(tmp_path: Path) -> None:
    path = write(tmp_path, prompt=["A fox", "An owl"], duration=[5, 99])
    with pytest.raises(InputError, match=r"shots.parquet row 2, column duration: 99 s, but"):
        read_prompts(path)


def test_rows_are_counted_over_batches(tmp_path: Path) -> None:
    count = 20_000
    file = read_prompts(write(tmp_path, prompt=[f"fox {n}" for n in range(count)]))
    assert [row.source_line for row in file.rows] == list(range(1, count + 1))


def test_a_column_that_holds_no_cells_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, prompt=["A fox"], model=[["a", "b"]], **{"meta.x": [b"x"]})
    with pytest.raises(InputError) as refused:
        read_prompts(path)
    assert [error.column for error in refused.value.errors] == ["model", "meta.x"]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\0" * 100 + b"PAR1", b"prompt\nA fox\n"])
def test_what_is_no_parquet_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "shots.parquet").write_bytes(content)
    with pytest.raises(InputError, match="the file cannot be read as Parquet"):
        read_prompts(tmp_path / "shots.parquet")


def test_parquet_that_is_damaged_further_down_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, prompt=[f"A fox {n}" for n in range(1000)])
    content = bytearray(path.read_bytes())
    content[10:200] = bytes(190)
    path.write_bytes(content)
    with pytest.raises(InputError, match="the file cannot be read as Parquet"):
        read_prompts(path)
