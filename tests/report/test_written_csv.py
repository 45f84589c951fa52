"""Every CSV that Dailies writes reads back as the same cells, whatever characters stand in them."""

import csv
import io
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from dailies.prompts.options import ReadOptions
from dailies.prompts.reader import read_prompts
from dailies.report.table_formats import write_csv

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["\r", "\n", "\r\n", '"', ",", "a\rb"]
)


def written(rows: list[tuple[str, ...]], columns: tuple[str, ...]) -> bytes:
    out = io.BytesIO()
    write_csv(out, columns, rows)
    return out.getvalue()


@settings(deadline=None)
@given(st.lists(st.tuples(ANY, ANY), min_size=1, max_size=4))
@example([("A fox\rruns", "a\r"), ("\r", "\n\r")])
def test_what_is_written_is_read_back(rows: list[tuple[str, ...]]) -> None:
    text = written(rows, ("prompt", "meta.x")).decode()
    assert [tuple(row) for row in csv.reader(io.StringIO(text, newline=""), strict=True)][1:] == rows


def test_every_character_reads_back_in_a_cell_of_its_own() -> None:
    characters = [chr(code) for code in range(1, 0x110000) if not 0xD800 <= code <= 0xDFFF]
    rows = [
        (f"A fox {number}", "a" + "".join(characters[number : number + 997]) + "b")
        for number in range(0, len(characters), 997)
    ]
    Path("all.csv").write_bytes(written(rows, ("prompt", "meta.x")))
    found = read_prompts("all.csv", ReadOptions(skip_bad_rows=True)).sheets[0].records
    assert [cells[1] for cells in found.values()] == [cells[1] for cells in rows]
