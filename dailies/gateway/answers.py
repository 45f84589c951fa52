"""Answers in GeekHub's form: OpenAI's errors, each with its request's id."""

import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Scope

from dailies.gateway.errors import ApiError


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
