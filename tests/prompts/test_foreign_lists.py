"""Lists, titles and encodings of foreign files: the first line may be a prompt, and the header further below."""

import shlex
from pathlib import Path

import pytest
from openpyxl import Workbook

from dailies.errors import InputError
from dailies.prompts.options import ReadOptions
from dailies.prompts.reader import read_prompts


def test_a_list_that_a_spreadsheet_quoted_loses_the_quotes_and_no_others() -> None:
    Path("list.csv").write_text(
        '"A fox, in ""slow"" motion"\n"A sign" and a "door"\n"Deep learning"\nAn owl, at night\n'
    )
    file = read_prompts("list.csv", ReadOptions(lines=True))
    assert [row.prompt for row in file.rows] == [
        'A fox, in "slow" motion',
        '"A sign" and a "door"',
        '"Deep learning"',
        "An owl, at night",
    ]
    assert file.notes[1] == "list.csv: quotes around a whole line with a delimiter or a quote in it are left out"


def test_texts_in_an_object_are_a_list() -> None:
    Path("list.json").write_text('{"version": 2, "prompts": ["A fox", "An owl"]}')
    with pytest.raises(InputError) as refused:
        read_prompts("list.json", quote=True)
    assert refused.value.command == "dailies plan list.json --lines"
    assert [row.prompt for row in read_prompts("list.json", ReadOptions(lines=True)).rows] == ["A fox", "An owl"]


def test_rows_lie_one_object_deeper() -> None:
    Path("rows.json").write_text('{"data": {"page": 1, "items": [{"prompt": "A fox"}, {"prompt": "An owl"}]}}')
    assert [row.prompt for row in read_prompts("rows.json").rows] == ["A fox", "An owl"]


def test_facts_in_two_cells_above_a_foreign_header_are_no_header() -> None:
    head = "Campaña Otoño,,,\nFecha:,2026-11-03,,\nFormato:,9:16,,\n\n"
    Path("titles.csv").write_text(
        f"{head}Texto del vídeo,Motor,Duración,Formato\nUn zorro rojo en la nieve,fal/kling-2,5,16:9\n"
    )
    with pytest.raises(InputError) as refused:
        read_prompts("titles.csv", quote=True)
    columns = "prompt=Texto del vídeo,model=Motor,duration=Duración,aspect_ratio=Formato"
    assert refused.value.command == f"dailies plan titles.csv --columns '{columns}'"
    file = read_prompts("titles.csv", ReadOptions(columns=columns))
    assert [row.prompt for row in file.rows] == ["Un zorro rojo en la nieve"]


def test_one_command_reads_a_foreign_header_in_cp1252() -> None:
    text = "Descripción;Motor\nUn zorro rojo cruza un río helado;fal/kling-2\n"
    Path("excel.csv").write_text(text, "cp1252")
    with pytest.raises(InputError) as refused:
        read_prompts("excel.csv", quote=True)
    assert "is not UTF-8" in str(refused.value)
    options = ReadOptions(columns="prompt=Descripción,model=Motor", encoding="cp1252")
    assert refused.value.command == shlex.join(["dailies", "plan", "excel.csv", *options.words()])
    assert read_prompts("excel.csv", options).rows[0].prompt == "Un zorro rojo cruza un río helado"


def test_no_encoding_is_proposed_that_does_not_read_the_text() -> None:
    Path("bytes.csv").write_bytes(b"prompt\nA \x81 fox\n")
    with pytest.raises(InputError) as refused:
        read_prompts("bytes.csv", quote=True)
    assert not refused.value.command


@pytest.mark.parametrize(
    ("column", "name", "cell"),
    [("duration", "Length", "10s"), ("model", "Engine", "Veo 3.1"), ("aspect_ratio", "Formato", "Vertical (9:16)")],
)
def test_a_column_that_is_meant_is_no_label_because_of_its_spelling(column: str, name: str, cell: str) -> None:
    Path("shots.csv").write_text(f"prompt,{name}\nA red fox,{cell}\n")
    with pytest.raises(InputError) as refused:
        read_prompts("shots.csv", quote=True)
    assert refused.value.command == f"dailies plan shots.csv --columns {column}={name}"
    with pytest.raises(InputError) as wrong:
        read_prompts("shots.csv", ReadOptions(columns="auto", others="meta"))
    assert [(error.line, error.column) for error in wrong.value.errors] == [(2, column)]


def test_a_title_above_the_only_column_of_a_workbook_is_no_prompt() -> None:
    workbook = Workbook()
    for row in (["Campaign 0"], [], ["idea x"], ["a red fox in the snow"], ["a cat's eye in the rain"]):
        workbook.active.append(row)
    workbook.save("shots.xlsx")
    with pytest.raises(InputError) as refused:
        read_prompts("shots.xlsx", quote=True)
    assert not refused.value.command
