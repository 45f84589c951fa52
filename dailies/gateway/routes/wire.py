"""The bodies that go over the wire, for validation and for the OpenAPI description."""

import unicodedata
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import Depends
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, field_validator

LONGEST_PROMPT = 4_000
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Mn", "Me", "Zl", "Zp", "Zs"})
_SHAPELESS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")  # letters and symbols without a shape


class SubmitBody(BaseModel):
    """The body of POST /v1/videos/generations. Unknown fields are ignored, null is no value."""

    model_config = ConfigDict(strict=True, extra="ignore")

    model: str
    prompt: Annotated[str, Field(min_length=1, max_length=LONGEST_PROMPT)]
    duration: Annotated[int | None, Field(ge=1), WithJsonSchema({"type": "integer", "minimum": 1})] = None
    aspect_ratio: Annotated[str | None, WithJsonSchema({"type": "string"})] = None

    @field_validator("prompt")
    @classmethod
    def refuse_blank(cls, prompt: str) -> str:
        """Refuse a prompt of nothing but blanks, marks and characters without a shape."""
        if all(unicodedata.category(char) in _UNSEEN or char in _SHAPELESS for char in prompt):
            raise ValueError("must not be empty")
        return prompt

    @field_validator("duration", "aspect_ratio", mode="before")
    @classmethod
    def refuse_null(cls, value: object) -> object:
        """Refuse null: a field is given or left out."""
        if value is None:
            raise ValueError("must not be null; leave the field out for the model's default")
        return value


class VideoJob(BaseModel):
    """The job object of both video routes."""

    id: str
    object: Literal["video.job"]
    status: Literal["pending", "processing", "completed", "failed"]
    model: str
    prompt: str
    video_url: str | None
    duration: int
    error: str | None
    created: int
    completed: int | None


class ErrorBody(BaseModel):
    """What is inside ``error``."""

    message: str
    type: str
    code: str
    request_id: Annotated[str, Field(pattern=r"^req_[0-9a-f]{24}$")]


class ErrorAnswer(BaseModel):
    """An error in OpenAI's form."""

    error: ErrorBody


class Credits(BaseModel):
    """GET /v1/credits: money as a decimal string."""

    object: Literal["credits"]
    balance_mxn: str
    currency: Literal["MXN"]


class ListedModel(BaseModel):
    """One entry of GET /v1/models, with OpenAI's fields only: no others are documented."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(BaseModel):
    """GET /v1/models."""

    object: Literal["list"]
    data: list[ListedModel]


# The middleware checks the key; this is for the OpenAPI description.
KEY = Depends(HTTPBearer(auto_error=False, description="A key, as `connection.json` in the data folder has it."))


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the errors that a route may answer, and those that every route may, for OpenAPI."""
    # Not {"model": ErrorAnswer}: FastAPI would build a validator for each status of each route.
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in (*statuses, 400, 408, 413, 414, 431, 500)
    }


def error_schemas() -> dict[str, Any]:
    """Return the schemas that ``errors`` refers to, for OpenAPI's components."""
    schema = ErrorAnswer.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs"), "ErrorAnswer": schema}


def responses(success: type[BaseModel], *statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what a route may answer, for OpenAPI."""
    answers: dict[int | str, dict[str, Any]] = {200: {"model": success}}
    return answers | errors(*statuses)
