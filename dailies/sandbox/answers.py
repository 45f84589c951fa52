"""Answers in the forms of the two services: OpenAI's errors, Supabase Storage's errors."""

import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Scope

from dailies.sandbox.errors import ApiError


def request_id(scope: Scope) -> str:
    """The request's ``req_`` id, the same one wherever it is told; made at the first asking."""
    state = scope.setdefault("state", {})
    return str(state.setdefault("request_id", f"req_{secrets.token_hex(12)}"))


def error_answer(error: ApiError, scope: Scope) -> JSONResponse:
    """The refusal in OpenAI's form (page "Errors")."""
    known = request_id(scope)
    return JSONResponse(error.body(known), error.status, error.headers | {"x-request-id": known})


async def answer_api_error(request: Request, error: Exception) -> JSONResponse:
    """Starlette's handler for ``ApiError``."""
    assert isinstance(error, ApiError)
    return error_answer(error, request.scope)


def storage_error(code: str) -> JSONResponse:
    """Supabase Storage's form: HTTP 400, the real status in the body."""
    status, error, message = {
        "NoSuchKey": ("404", "not_found", "Object not found"),
        "NoSuchBucket": ("404", "Bucket not found", "Bucket not found"),
    }[code]
    return JSONResponse({"statusCode": status, "error": error, "message": message, "code": code}, 400)
