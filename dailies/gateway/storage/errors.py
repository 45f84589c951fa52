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

    def answer(self) -> JSONResponse:
        """Return the HTTP answer."""
        status, error, message = REFUSALS[self.code]
        body = {"statusCode": status, "error": error, "message": self.message or message, "code": self.code}
        return JSONResponse(body, 400)


async def answer_refusal(_: Request, error: Exception) -> Response:
    """Answer a ``StorageRefusal``: Starlette's handler for it."""
    assert isinstance(error, StorageRefusal)
    return error.answer()
