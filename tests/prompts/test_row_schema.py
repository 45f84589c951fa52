"""The schema of a row says what the reader says."""

import io
import json
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dailies.catalogue import load_catalogue
from dailies.errors import InputError
from dailies.prompts.columns import COLUMNS
from dailies.prompts.reader import parse_prompts
from dailies.prompts.row_schema import row_schema

MODELS = [*load_catalogue(), "sora", ""]
RATIOS = ["16:9", "9:16", "1:1", "4:3", "2:1", ""]
VALIDATOR = jsonschema.Draft202012Validator(row_schema())


def several(values: list[str]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3).map("|".join) | st.sampled_from(values)


ROWS = st.fixed_dictionaries(
    {"prompt": st.sampled_from(["A fox", "Un café\nal alba", "", "  ", "x" * 4000, "x" * 4001, "a\x07b", 5, None])},
    optional={
        "id": st.sampled_from(["s-1", " s-1 ", "a\nb", "a\x1bb", "", 7, 1.5, True, None]),
        "model": several(MODELS) | st.sampled_from([" fal/kling-2 ", "FAL/kling-2", None, 5]),
        "duration": st.sampled_from(
            [1, 5, 8, 9, 10, 11, 0, -1, 5.0, 2.5, "5", " 007 ", "10", "11", "5.0", "", None, True]
        ),
        "aspect_ratio": several(RATIOS) | st.sampled_from([None, " 9:16 | 16:9 ", 16]),
        "take": st.sampled_from([1, 1_000_000, 1_000_001, 0, "3", "x", "", None, 2.0]),
        "takes": st.sampled_from([1, 3, 1000, 1001, "1000", "01001", "", None]),
        "fallback": several(list(load_catalogue())) | st.sampled_from(["", None, "sora", "google/veo-3.1"]),
        "meta.client": st.sampled_from(["Lucero", 5, 1.5, True, None, ["x"], {"y": 1}]),
        "colour": st.just("red"),
    },
)


def reader_takes(row: dict[str, Any]) -> bool:
    try:
        file = parse_prompts(io.BytesIO(json.dumps(row).encode()), "row.jsonl", "fal/kling-2", form="jsonl")
    except InputError:
        return False
    return not file.rejected


@settings(deadline=None, max_examples=600)
@given(ROWS)
@example({"prompt": "A fox", "model": "fal/kling-2", "fallback": "fal/kling-2"})
@example({"prompt": "A fox", "fallback": "fal/kling-2"})
@example({"prompt": "A fox", "model": "fal/runway-gen-4", "aspect_ratio": "4:3"})
@example({"prompt": "A fox", "aspect_ratio": "1:1", "fallback": "google/veo-3.1"})
@example({"prompt": "A fox", "id": 1.5})
@example({"prompt": "A fox", "take": 1, "takes": 1})
@example({"prompt": "A fox", "take": "", "takes": 2})
def test_schema_and_reader_agree(row: dict[str, Any]) -> None:
    assert VALIDATOR.is_valid(row) == reader_takes(row), row


def test_schema_names_every_column() -> None:
    assert set(row_schema()["properties"]) == set(COLUMNS)
    jsonschema.Draft202012Validator.check_schema(row_schema())


def test_schema_knows_the_default_model() -> None:
    row = {"prompt": "A fox", "duration": 10}
    assert VALIDATOR.is_valid(row)
    assert not jsonschema.Draft202012Validator(row_schema("google/veo-3")).is_valid(row)


@pytest.mark.parametrize("model", load_catalogue())
def test_every_model_can_be_asked_for(model: str) -> None:
    for ratio in load_catalogue()[model].aspect_ratios:
        assert VALIDATOR.is_valid({"prompt": "A fox", "model": model, "aspect_ratio": ratio})
