"""Any bytes in any format are read, or refused with a message."""

import io
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from dailies.errors import InputError
from dailies.prompts.options import ReadOptions
from dailies.prompts.reader import read_prompts
from dailies.prompts.sources.source_names import Format

JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
NAMES = st.sampled_from(["prompt", "id", "model", "duration", "aspect_ratio", "take", "takes", "fallback", "meta.x"])


def check(content: bytes, form: Format) -> None:
    try:
        Path(f"shots.{form}").write_bytes(content)
        file = read_prompts(f"shots.{form}", ReadOptions(skip_bad_rows=True))
    except InputError as refused:
        errors = list(refused.errors)
        assert errors
    else:
        errors = [error for row in file.rejected for error in row.errors]
        places = {row.source_line for row in (*file.rows, *file.rejected)}
        assert places == set(file.sheets[0].records)
    for error in errors:
        assert str(error).startswith("shots")
        assert error.reason
        assert error.remedy


@cache
def seed(form: Format) -> bytes:
    out = io.BytesIO()
    if form == "xlsx":
        book = Workbook()
        sheet = book.active
        assert sheet is not None
        for row in (["prompt", "duration", "meta.x"], ["A fox", 5, "=A1"], ["An owl", None, 1.5]):
            sheet.append(row)
        book.save(out)
    elif form == "parquet":
        pq.write_table(pa.table({"prompt": ["A fox", "An owl"], "duration": [5, None]}), out)
    else:
        out.write(b'{"prompt": "A fox", "duration": 5}\n{"prompt": "An owl"}\n')
    return out.getvalue()


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "parquet", "xlsx"])
@settings(deadline=None, max_examples=60)
@given(content=st.binary(max_size=120))
def test_any_bytes_are_read_or_refused(form: Format, content: bytes) -> None:
    check(content, form)


@pytest.mark.parametrize("form", ["jsonl", "parquet", "xlsx"])
@settings(deadline=None, max_examples=120)
@given(
    place=st.floats(0, 1, exclude_max=True),
    bytes_=st.binary(min_size=1, max_size=6),
    cut=st.sampled_from(["over", "in", "off"]),
)
def test_any_damage_to_a_good_file_is_read_or_refused(form: Format, place: float, bytes_: bytes, cut: str) -> None:
    good = seed(form)
    at = int(place * len(good))
    rest = {"over": good[at + len(bytes_) :], "in": good[at:], "off": b""}[cut]
    check(good[:at] + bytes_ + rest, form)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.dictionaries(NAMES, JSONS, max_size=5), min_size=1, max_size=3))
def test_any_objects_are_read_or_refused(objects: list[dict[str, object]]) -> None:
    import json

    lines = "\n".join(json.dumps(found) for found in objects)
    check(lines.encode("utf-8", "surrogatepass"), "jsonl")
