"""The storage's refusals in its own form: HTTP 400 with the real status in the body."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

# code -> (real status, error, message)
REFUSALS: Mapping[str, tuple[str, str, str]] = {
    "AccessDenied": ("403", "Unauthorized", "signature verification failed"),
    "BucketAlreadyExists": ("409", "Duplicate", "The resource already exists"),
    "EntityTooLarge": ("413", "Payload too large", "The object exceeded the maximum allowed size"),
    "InvalidBucketName": ("400", "Invalid Input", "Bucket name invalid"),
    "InvalidJWT": ("400", "InvalidJWT", "jwt malformed"),
    "InvalidKey": ("400", "InvalidKey", "Invalid key"),
    "InvalidMimeType": ("415", "invalid_mime_type", "mime type is not supported"),
    "InvalidRange": ("416", "InvalidRange", "The requested range is not satisfiable"),
    "InvalidRequest": ("400", "Error", "the request cannot be understood"),
    "KeyAlreadyExists": ("409", "Duplicate", "The resource already exists"),
    "NoSuchBucket": ("404", "Bucket not found", "Bucket not found"),
    "NoSuchKey": ("404", "not_found", "Object not found"),
}
NOT_ALLOWED = "new row violates row-level security policy"


class StorageRefusal(Exception):  # noqa: N818 - it is an answer, not a failure
    """One refusal.

    Args:
        code: a key of ``REFUSALS``.
        message: replaces the usual one.
    """

    def __init__(self, code: str, message: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.message = message

    def answer(self, http_status: int = 400) -> JSONResponse:
        """Return the HTTP answer; nearly all have the status 400."""
        status, error, message = REFUSALS[self.code]
        body = {"statusCode": status, "error": error, "message": self.message or message, "code": self.code}
        return JSONResponse(body, http_status)


async def answer_refusal(_: Request, error: Exception) -> Response:
    """Answer a ``StorageRefusal``: Starlette's handler for it."""
    assert isinstance(error, StorageRefusal)
    return error.answer()
