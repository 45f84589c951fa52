"""Lists of prompts as people paste them: the first line is a prompt, and no header."""

from pathlib import Path

import pytest

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
