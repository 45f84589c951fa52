"""What is true for every CSV of prompts."""

import csv
import io
import unicodedata
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from dailies.errors import InputError
from dailies.prompts.error_texts import is_error_text, is_seen
from dailies.prompts.options import ReadOptions
from dailies.prompts.reader import PromptFile, read_prompts

COLUMNS = ["prompt", "id", "model", "duration", "aspect_ratio", "take", "fallback", "meta.client"]
CELLS = [
    "",
    " ",
    "A fox",
    "Un café",
    "5",
    "0",
    "11",
    "\uff15",
    "1:1",
    "16:9",
    "fal/kling-2",
    "sora",
    '"',
    "\0",
    "x" * 4001,
]

cells = st.sampled_from(CELLS) | st.text(max_size=8)
prompts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t"), min_size=1, max_size=30
).filter(lambda text: is_seen(text.strip()) and not is_error_text(text))


def parse(content: bytes) -> PromptFile:
    Path("shots.csv").write_bytes(content)
    return read_prompts("shots.csv", ReadOptions(skip_bad_rows=True))


def written(rows: list[list[str]], delimiter: str = ",", ending: str = "\r\n") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue()


def check_outcome(content: bytes) -> None:
    """A file is read, or refused with the file's name and, for all but the file as a whole, a line."""
    lines = content.count(b"\n") + content.count(b"\r") + 1
    try:
        file = parse(content)
        errors = [error for row in file.rejected for error in row.errors]
        assert len(file.sheets[0].records) == len(file.rows) + len(file.rejected)
        assert {row.source_line for row in (*file.rows, *file.rejected)} == set(file.sheets[0].records)
    except InputError as refused:
        errors = list(refused.errors)
        assert errors
    for error in errors:
        assert str(error).startswith("shots.csv")
        assert error.reason
        assert error.remedy
        assert error.line is None or 1 <= error.line <= lines


@settings(deadline=None)
@given(st.binary(max_size=200))
@example(b"\xff\xfe")
@example(b'prompt\n"')
@example(b"prompt\r\r\n\r")
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    check_outcome(content)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_below_a_good_header_are_read_or_refused(content: bytes) -> None:
    check_outcome(",".join(COLUMNS).encode() + b"\n" + content)


@settings(deadline=None)
@given(st.permutations(COLUMNS), st.lists(st.lists(cells, min_size=7, max_size=9), max_size=6))
def test_any_rows_are_read_or_refused(header: list[str], rows: list[list[str]]) -> None:
    check_outcome(written([header, *rows]).encode("utf-8", "surrogatepass"))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["A fox", "An owl"]), st.sampled_from(["", "1", "2", "4"])), min_size=1))
def test_no_two_rows_share_a_key(rows: list[tuple[str, str]]) -> None:
    file = parse(written([["prompt", "take"], *map(list, rows)]).encode())
    assert len({row.row_key for row in file.rows}) == len(file.rows)
    assert len({row.row_key for row in file.rejected}) == len(file.rejected)


@settings(deadline=None)
@given(
    prompts,
    st.permutations(["prompt", "model", "duration", "aspect_ratio", "take", "meta.client"]),
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["NFC", "NFD"]),
    st.booleans(),
    st.booleans(),
)
def test_key_depends_on_the_request_alone(
    prompt: str, header: list[str], delimiter: str, ending: str, form: str, mark: bool, explicit: bool
) -> None:
    """Neither order, delimiter, line ends, normal form, mark nor the naming of defaults changes a key."""
    spelled = unicodedata.normalize(form, f" {prompt}\n").replace("\n", ending)
    defaults = {"model": "fal/kling-2", "duration": "5", "aspect_ratio": "16:9", "take": "1"} if explicit else {}
    values = {"prompt": spelled, "meta.client": "Lucero", **defaults}
    text = written([header, [values.get(name, "") for name in header]], delimiter, ending)
    (varied,) = parse(("\ufeff" * mark + text).encode()).rows
    (plain,) = parse(written([["prompt"], [prompt]], ending="\n").encode()).rows
    assert varied.row_key == plain.row_key
    assert varied.prompt == plain.prompt
