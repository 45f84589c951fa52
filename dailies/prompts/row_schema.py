"""The JSON Schema of a row, for forms, spreadsheets and editors: the reader's own rules, out of the catalogue.

It tells a row by itself. What only a whole file can tell (ids and takes that come twice, placeholders without a column)
is the reader's to say.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from dailies.catalogue import VideoModel, load_catalogue
from dailies.prompts.cells import MAX_PROMPT_CHARACTERS, MAX_TAKE
from dailies.prompts.matrix import MAX_TAKES

Schema = dict[str, Any]

_EMPTY: Schema = {"enum": ["", None]}
_NO_CONTROLS = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$"


def row_schema(default_model: str = "fal/kling-2") -> Schema:
    """The schema of one row, JSON Schema draft 2020-12; an empty text or null is an empty cell.

    Args:
        default_model: the model of rows that name none.
    """
    models = load_catalogue()
    ratios = dict.fromkeys(ratio for model in models.values() for ratio in model.aspect_ratios)
    longest = max(model.max_duration_s for model in models.values())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "One row of prompts",
        "type": "object",
        "properties": {
            "prompt": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_PROMPT_CHARACTERS,
                "allOf": [{"pattern": r"\S"}, {"pattern": _NO_CONTROLS}],
                "description": "What the video shows; {name} is filled in from meta.name.",
            },
            "id": _optional(
                "Your own name for the row, once in a file.",
                {"type": "string", "pattern": r"^\s*[^\u0000-\u001f\u007f-\u009f]*\s*$"},
                {"type": "integer"},
            ),
            "model": _optional("One model, or several with | between them.", _names(models)),
            "duration": _optional("Whole seconds; by default the model's own.", *_whole(longest)),
            "aspect_ratio": _optional("One ratio, or several with | between them.", _names(ratios)),
            "take": _optional("Which of several identical requests this is.", *_whole(MAX_TAKE)),
            "takes": _optional("How many videos to make of each cell.", *_whole(MAX_TAKES)),
            "fallback": _optional("Models to try when the model has failed for good, with | between.", _names(models)),
        },
        "patternProperties": {
            r"^meta\..*\S.*$": {"type": ["string", "number", "boolean", "null"], "description": "A label of your own."}
        },
        "additionalProperties": False,
        "required": ["prompt"],
        "allOf": [*_rules(models.values(), default_model), _one_of_take_and_takes()],
    }


def _optional(description: str, *kinds: Schema) -> Schema:
    return {"description": description, "anyOf": [_EMPTY, *kinds]}


def _names(names: Iterable[str]) -> Schema:
    one = rf"\s*({'|'.join(map(re.escape, names))})\s*"
    return {"type": "string", "pattern": rf"^{one}(\|{one})*$"}


def _whole(most: int) -> tuple[Schema, Schema]:
    """A whole number from 1, as a number or in digits."""
    return {"type": "integer", "minimum": 1, "maximum": most}, {"type": "string", "pattern": _digits(most)}


def _digits(most: int) -> str:
    """The pattern of 1 to ``most``, which is below 12 or a power of ten."""
    if most < 12:
        return rf"^\s*0*({'|'.join(str(number) for number in range(1, most + 1))})\s*$"
    return rf"^\s*0*([1-9][0-9]{{0,{len(str(most)) - 2}}}|{most})\s*$"


def _rules(models: Iterable[VideoModel], default_model: str) -> Iterator[Schema]:
    """What each model that a row names can do, and that none is named twice."""
    for model in models:
        used = {"anyOf": [_has("model", model.id), _has("fallback", model.id)]}
        if model.id == default_model:
            used["anyOf"].append(_lacks("model"))
        yield {"if": used, "then": _able(model)}
        twice = {"properties": {"fallback": _naming(model.id)}, "required": ["fallback"]}
        own = {"anyOf": [_has("model", model.id), *([_lacks("model")] if model.id == default_model else [])]}
        yield {"not": {"allOf": [own, twice]}}
    for column in ("model", "aspect_ratio", "fallback"):
        yield {"properties": {column: {"not": {"type": "string", "pattern": _REPEATED}}}}


_REPEATED = r"(^|\|)\s*([^|\s]+)\s*\|(.*\|)?\s*\2\s*(\||$)"


def _able(model: VideoModel) -> Schema:
    return {
        "properties": {
            "duration": {"anyOf": [_EMPTY, *_whole(model.max_duration_s)]},
            "aspect_ratio": {"anyOf": [_EMPTY, _names(model.aspect_ratios)]},
        }
    }


def _has(column: str, name: str) -> Schema:
    return {"properties": {column: _naming(name)}, "required": [column]}


def _naming(name: str) -> Schema:
    return {"type": "string", "pattern": rf"(^|\|)\s*{re.escape(name)}\s*(\||$)"}


def _lacks(column: str) -> Schema:
    return {"properties": {column: _EMPTY}}


def _one_of_take_and_takes() -> Schema:
    filled = {"not": _EMPTY}
    return {"not": {"properties": {"take": filled, "takes": filled}, "required": ["take", "takes"]}}
