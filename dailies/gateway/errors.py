"""What the gateway refuses, by GeekHub's error codes (page "Errors"), and why a sandbox cannot run."""

from collections.abc import Mapping

# code -> (HTTP status, type). The first block is GeekHub's table; what the documentation is silent about
# follows, and answers in the same form.
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


class SandboxError(RuntimeError):
    """The sandbox cannot start, stop or be reached; the message says the remedy."""


class ApiError(Exception):
    """One refusal, told to the caller in OpenAI's form.

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
        """The JSON body that GeekHub's page "Errors" shows."""
        kind = CODES[self.code][1]
        return {"error": {"message": self.message, "type": kind, "code": self.code, "request_id": request_id}}
