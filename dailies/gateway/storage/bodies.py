"""The JSON bodies that the storage takes. Fields that it does not know are ignored, as by the real one."""

from typing import Annotated, Literal, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, ValidationError

from dailies.gateway.storage.errors import StorageRefusal

Text = Annotated[StrictStr, Field(max_length=1_024)]


class NewBucket(BaseModel):
    """POST /bucket. ``file_size_limit``: bytes, or such as ``20MB`` or ``1.5kb``."""

    id: Text | None = None
    name: Text | None = None
    public: StrictBool = False
    file_size_limit: Annotated[StrictInt, Field(ge=0, lt=2**53)] | Text | None = None
    allowed_mime_types: Annotated[list[Text], Field(max_length=100)] | None = None


class SortBy(BaseModel):
    """How a listing is ordered."""

    column: Literal["name", "updated_at", "created_at", "last_accessed_at"] = "name"
    order: Literal["asc", "desc"] = "asc"


class Listing(BaseModel):
    """POST /object/list/{bucket}."""

    model_config = ConfigDict(strict=True)

    prefix: Text
    search: Text = ""
    limit: Annotated[int, Field(ge=1, lt=2**31)] = 100
    offset: Annotated[int, Field(ge=0, lt=2**31)] = 0
    sortBy: SortBy = SortBy()  # noqa: N815 - the name in the body


class Removal(BaseModel):
    """DELETE /object/{bucket}."""

    prefixes: Annotated[list[Text], Field(min_length=1, max_length=1_000)]


class Signing(BaseModel):
    """POST /object/sign/{bucket}/{key}. The client sends the seconds as text."""

    expiresIn: Annotated[int, Field(ge=1, le=10**9)]  # noqa: N815 - the name in the body


Body = TypeVar("Body", bound=BaseModel)


async def read_body(request: Request, form: type[Body]) -> Body:
    """Read a JSON body of a certain form.

    Raises:
        StorageRefusal: it has another form; the message names the field.
    """
    try:
        return form.model_validate_json(await request.body() or b"{}")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = "/".join(["body", *(str(step) for step in first["loc"])])
        raise StorageRefusal("InvalidRequest", f"{place}: {first['msg']}") from None
