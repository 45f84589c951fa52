"""The errors of the gateway: GeekHub's codes (page "Errors") as answers."""

import secrets
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Scope

# code -> (HTTP status, type). The first block is GeekHub's table. The second block covers what the documentation
# leaves open; those errors have the same form.
CODES: Mapping[str, tuple[int, str]] = {
    "invalid_request_error": (400, "invalid_request_error"),
    "missing_api_key": (401, "authentication_error"),
    "invalid_api_key": (401, "authentication_error"),
    "key_revoked": (401, "authentication_error"),
    "insufficient_balance": (402, "billing_error"),
    "model_not_found": (404, "invalid_request_error"),
    "rate_limit_exceeded": (429, "rate_limit_error"),
    "internal_error": (500, "api_error"),
    "provider_unavailable": (502, "api_error"),
    #
    "permission_denied": (403, "authentication_error"),
    "job_not_found": (404, "invalid_request_error"),
    "not_found": (404, "invalid_request_error"),
    "method_not_allowed": (405, "invalid_request_error"),
    "request_timeout": (408, "invalid_request_error"),
    "idempotency_key_reused": (409, "invalid_request_error"),
    "request_too_large": (413, "invalid_request_error"),
    "uri_too_long": (414, "invalid_request_error"),
    "headers_too_large": (431, "invalid_request_error"),
    "service_unavailable": (503, "api_error"),
}


class ApiError(Exception):
    """One refusal, in OpenAI's form.

    Args:
        code: a key of ``CODES``; it decides the HTTP status and the type.
        message: what is wrong, for a person.
        headers: further headers of the answer, such as ``Retry-After``.
    """

    def __init__(self, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        """The HTTP status."""
        return CODES[self.code][0]

    def body(self, request_id: str) -> dict[str, dict[str, str]]:
        """Return the JSON body that GeekHub's page "Errors" shows."""
        kind = CODES[self.code][1]
        return {"error": {"message": self.message, "type": kind, "code": self.code, "request_id": request_id}}


def request_id(scope: Scope) -> str:
    """Return the ``req_`` id of a request; the first call makes it."""
    state = scope.setdefault("state", {})
    return str(state.setdefault("request_id", f"req_{secrets.token_hex(12)}"))


def error_answer(error: ApiError, scope: Scope) -> JSONResponse:
    """Turn an error into its HTTP answer."""
    known = request_id(scope)
    return JSONResponse(error.body(known), error.status, error.headers | {"x-request-id": known})


async def answer_api_error(request: Request, error: Exception) -> JSONResponse:
    """Answer an ``ApiError``: Starlette's handler for it."""
    assert isinstance(error, ApiError)
    return error_answer(error, request.scope)
