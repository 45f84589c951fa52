"""What the storage refuses, in its own form: HTTP 400 with the real status in the body."""

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


class StorageRefusal(Exception):  # noqa: N818 - its client has a word for it: refusals are answers
    """One refusal.

    Args:
        code: a key of ``REFUSALS``.
        message: in place of the usual one.
    """

    def __init__(self, code: str, message: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.message = message

    def answer(self) -> JSONResponse:
        """The answer that tells it."""
        status, error, message = REFUSALS[self.code]
        body = {"statusCode": status, "error": error, "message": self.message or message, "code": self.code}
        return JSONResponse(body, 400)


async def answer_refusal(_: Request, error: Exception) -> Response:
    """Starlette's handler for ``StorageRefusal``."""
    assert isinstance(error, StorageRefusal)
    return error.answer()
