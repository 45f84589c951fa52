"""Every bad CSV gives one clear message: the file, the line, the column, what is wrong, what to do."""

import pickle
from pathlib import Path

import pytest

from dailies.errors import InputError, RowError
from dailies.prompts.options import ReadOptions
from dailies.prompts.reader import read_prompts

A, Z = "fal/kling-2", "google/veo-3.1"

# name: the file's bytes or text, then the whole message after the file's name.
FILES: dict[str, tuple[bytes | str, str]] = {
    "empty file": ("", ": the file is empty; start it with a header that names prompt"),
    "only a mark": ("\ufeff", ": the file is empty; start it with a header that names prompt"),
    "only blanks": ("\n ,,\n\n", ": the file is empty; start it with a header that names prompt"),
    "no rows": ("prompt\n\n", ": the file has a header but no rows; add a row for each video"),
    "NUL": ("prompt\nA f\0x\n", " line 2: byte 4 of the line is NUL, which no text contains; remove it, or save"),
    "Latin-1": (b"prompt\nok\nCaf\xe9\n", " line 3: byte 4 of the line (0xE9) is not UTF-8; save it as CSV in UTF-8"),
    "Latin-1 CR": (b"prompt\rok\rCaf\xe9\r", " line 3: byte 4 of the line (0xE9) is not UTF-8; save it as"),
    "surrogate": (b"prompt\n\xed\xa0\x80\n", " line 2: byte 1 of the line (0xED) is not UTF-8"),
    "workbook": (b"PK\x03\x04\x14\0", ": the file is an Excel workbook or a ZIP archive, not text; save it as"),
    "open quote": ('prompt\nA fox\n"An owl\nA cat\n', ' line 3: a quote is opened and never closed; close it with "'),
    "open quote met": (
        'prompt\n"An owl\nsays "hoot"\n',
        " line 2: text follows the closing quote of a cell in line 3; close every quoted cell, and write a quote",
    ),
    "endless cell": (
        'prompt\nA fox\n"' + "word " * 40_000,
        " line 3: a cell has more than 131,072 characters: perhaps its quote is never closed; close it",
    ),
    "endless header": ("x" * 200_000 + "\n", " line 1: a cell has more than 131,072 characters"),
    "no prompt, near": (
        "id,prompts\n1,A fox\n",
        (
            " line 1: there is no column prompt; this column is not known: prompts; prompts looks like prompt\n"
            "This reads it: dailies plan SHOTS --columns prompt=prompts"
        ),
    ),
    "no prompt": (
        "id,colour\n1,red\n",
        (
            " line 1: there is no column prompt; this column is not known: colour; say which column holds the prompts: "
            "--columns prompt=<name or number>; or each line: --lines"
        ),
    ),
    "unknown column": (
        "prompt,aspect\nA fox,16:9\n",
        (
            " line 1: this column is not known: aspect; aspect looks like aspect_ratio\n"
            "This reads it: dailies plan SHOTS --columns aspect_ratio=aspect"
        ),
    ),
    "strange column": (
        "prompt,client\nA fox,Lucero\n",
        (
            " line 1: this column is not known: client; say what the other columns are: --others meta keeps them as "
            "labels, --others ignore leaves them out\nThis reads it: dailies plan SHOTS --others meta"
        ),
    ),
    "duplicate column": (
        "prompt,id, Prompt\nA fox,1,x\n",
        " line 1: columns 1 and 3 have the same name, prompt; say what the other columns are: --others meta keeps them",
    ),
    "duplicate meta": (
        "prompt,meta.a,meta. A\nx,y,z\n",
        " line 1: columns 2 and 3 have the same name, meta.<name>; say what the other columns are",
    ),
    "unnamed meta": ("prompt,meta.\nA fox,\n", " line 1: column 2 has no name after meta.; say what the other"),
    "unnamed column": ("prompt,\nA fox,x\n", " line 1: column 2 has cells, but no name; say what"),
    "header below": ("\n\nid\n1\n", " line 3: there is no column prompt; say which column holds the prompts"),
}

ROWS: dict[str, tuple[str, str]] = {
    "too many cells": (
        "prompt,id\nA cat, a hat,1\n",
        " line 2: the line has 3 cells, but the header has 2; put double quotes around a cell with a delimiter",
    ),
    "too few cells": (
        "prompt,id\nA fox\n",
        " line 2: the line has only 1 of the header's 2 cells; add what is missing; a cell may be empty",
    ),
    "empty prompt": (
        'id,prompt\n1," \n "\n',
        " line 2, column prompt: the prompt is empty; write what the video shows, or remove the row",
    ),
    "long prompt": (
        f"prompt\n{'x' * 4003}\n",
        " line 2, column prompt: the prompt has 4003 characters, 3 more than GeekHub takes; shorten it",
    ),
    "control": ("prompt\nA\x07fox\n", " line 2, column prompt: character 2 is the control character U+0007; remove it"),
    "C1 control": ("prompt\nA\x9ffox\n", " line 2, column prompt: character 2 is the control character U+009F"),
    "control in id": ("prompt,id\nA fox,a\x1bb\n", " line 2, column id: character 2 is the control character U+001B"),
    "id over lines": (
        'prompt,id\nA fox,"a\nb"\n',
        " line 2, column id: a<U+000A>b runs over several lines; keep an id on one line",
    ),
    "model, near": (
        "prompt,model\nA fox,kling-2\n",
        " line 2, column model: there is no model kling-2; did you mean fal/kling-2?",
    ),
    "model": (
        "prompt,model\nA fox,sora\n",
        " line 2, column model: there is no model sora; use one of google/veo-3.1, ",
    ),
    "model in capitals": ("prompt,model\nA fox,FAL/Kling-2\n", " line 2, column model: there is no model FAL/Kling-2;"),
    "too long a clip": (
        f"prompt,model,duration\nA fox,{A},12\n",
        " line 2, column duration: 12 s, but fal/kling-2 takes at most 10 s; use 1 to 10",
    ),
    "0 s": ("prompt,duration\nA fox,0\n", " line 2, column duration: 0 s, but a video lasts at least 1 s; use 1 to 10"),
    "ratio": (
        f"prompt,model,aspect_ratio\nA fox,{A},4:3\n",
        " line 2, column aspect_ratio: fal/kling-2 has no 4:3; use 16:9, 9:16 or 1:1",
    ),
    "duplicate id": (
        "prompt,id\nA fox,s-1\nAn owl, s-1\n",
        " line 3, column id: s-1 is already the id of line 2; give each row its own id",
    ),
    "duplicate take": (
        "prompt,take,duration\nA fox,2,5\nA fox,,\n A fox,2,\n",
        " line 4, column take: line 2 already asks for take 2 of the same request; give each its own take, or leave",
    ),
    "take 0": (
        "prompt,take\nA fox,0\n",
        " line 2, column take: 0 is not a whole number from 1 to 1,000,000; use 1, 2, 3 and so on, or leave it empty",
    ),
    "take in words": ("prompt,take\nA fox,two\n", " line 2, column take: two is not a whole number from 1 to"),
    "huge take": (f"prompt,take\nA fox,{'9' * 5000}\n", f" line 2, column take: {'9' * 37}... is not a whole number"),
    "unknown fallback": (
        "prompt,fallback\nA fox,fal/veo-3\n",
        " line 2, column fallback: there is no model fal/veo-3; did you mean fal/veo-3.1?",
    ),
    "itself as fallback": (
        f"prompt,fallback\nA fox,{A}\n",
        " line 2, column fallback: fal/kling-2 is named already for this row; name each model once",
    ),
    "fallback twice": (f"prompt,fallback\nA fox,{Z}|{Z}\n", f" line 2, column fallback: {Z} is named already for"),
    "short fallback": (
        f"prompt,duration,fallback\nA fox,10,{Z}\n",
        " line 2, column fallback: google/veo-3.1 takes at most 8 s, but the row asks for 10 s; choose another",
    ),
    "fallback is not held to a wrong ratio": (
        f"prompt,model,fallback,aspect_ratio\nA fox,{Z},fal/hailuo-02|fal/kling-2,1:1\n",
        f" line 2, column aspect_ratio: {Z} has no 1:1; use 16:9 or 9:16",
    ),
    "fallback without the ratio": (
        f"prompt,aspect_ratio,fallback\nA fox,1:1,{Z}\n",
        " line 2, column fallback: google/veo-3.1 has no 1:1, which the row asks for; choose another fallback, or one",
    ),
}
NOT_WHOLE = [
    "5.000",
    "1,000",
    "5.5",
    "5s",
    "1e1",
    "-5",
    "+5",
    "\uff15",
    "\u0665",
    "\u00b2",
    "five",
    "5 0",
    "0x5",
    "1_0",
]


def refusal(tmp_path: Path, content: bytes | str) -> InputError:
    path = tmp_path / "shots.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as refused:
        read_prompts(path, quote=True)
    return refused.value


@pytest.mark.parametrize("name", [*FILES, *ROWS])
def test_bad_input_gets_one_clear_message(tmp_path: Path, name: str) -> None:
    content, expected = (FILES | ROWS)[name]
    error = refusal(tmp_path, content)
    assert len(error.errors) == 1
    path = f"{tmp_path.as_posix()}/shots.csv"
    assert str(error).startswith(f"{path}{expected.replace('SHOTS', path)}")


@pytest.mark.parametrize("name", FILES)
def test_bad_file_is_refused_even_when_bad_rows_may_be_skipped(tmp_path: Path, name: str) -> None:
    content = FILES[name][0]
    path = tmp_path / "shots.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError):
        read_prompts(path, ReadOptions(skip_bad_rows=True))


@pytest.mark.parametrize("cell", NOT_WHOLE)
def test_only_plain_digits_are_a_duration(tmp_path: Path, cell: str) -> None:
    message = str(refusal(tmp_path, f'prompt,duration\nA fox,"{cell}"\n'))
    assert f"line 2, column duration: {cell} is not a whole number of seconds in plain digits; use 1 to 10" in message


def test_duration_is_checked_even_when_the_model_is_unknown(tmp_path: Path) -> None:
    errors = refusal(tmp_path, "prompt,model,duration\nA fox,sora,5s\n").errors
    assert [error.column for error in errors] == ["model", "duration"]


def test_characters_that_cannot_be_printed_are_written_out(tmp_path: Path) -> None:
    assert "there is no model fal/kling<U+200B>-2;" in str(refusal(tmp_path, "prompt,model\nx,fal/kling\u200b-2\n"))


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: there is no such file; check the name"):
        read_prompts(tmp_path / "none.csv")


@pytest.mark.parametrize("name", ["a\0b.csv", "\ud800.csv", "x" * 5000])
def test_impossible_names_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="check the name"):
        read_prompts(name)


def test_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="this is a folder; name the CSV file in it"):
        read_prompts(tmp_path)


def test_file_without_permission_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbid)
    with pytest.raises(InputError, match=r"shots\.csv: the file may not be read; give yourself the right"):
        read_prompts(tmp_path / "shots.csv")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file whose first byte cannot be read")
def test_disk_fault_while_reading_is_told() -> None:
    with pytest.raises(InputError, match=r"the file cannot be read .*; check the name and the disk"):
        read_prompts("/proc/self/mem")


def test_equal_mistakes_are_shown_three_times_and_counted(tmp_path: Path) -> None:
    error = refusal(tmp_path, "prompt,duration,take\n" + "A fox,99,\n" * 23 + "A fox,,0\n" + "A fox,98,\n")
    lines = str(error).splitlines()
    assert len(error.errors) == 25
    assert ["line 2," in lines[0], "line 3," in lines[1], "line 4," in lines[2]] == [True, True, True]
    assert lines[3] == f"... and 21 more of this kind, the last in {tmp_path}/shots.csv line 26: use 1 to 10"
    assert "line 25, column take: 0 is not a whole number" in lines[4]
    assert len(lines) == 5


def test_many_kinds_of_mistakes_are_counted(tmp_path: Path) -> None:
    error = refusal(tmp_path, "prompt\n" + "".join(f"A {{x{n}}}\n" for n in range(40)))
    assert str(error).splitlines()[-1] == "... and 28 more of 28 other kinds"


def test_refusal_pickles() -> None:
    error = InputError((RowError("shots.csv", 14, "duration", "12 s", "use 1 to 10"),))
    assert str(pickle.loads(pickle.dumps(error))) == "shots.csv line 14, column duration: 12 s; use 1 to 10"
