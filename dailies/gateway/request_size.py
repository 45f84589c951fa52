"""What is too long or too slow to be read: path, headers, body."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dailies.gateway.answers import error_answer
from dailies.gateway.errors import ApiError

LONGEST_TARGET_BYTES = 8_192
LARGEST_HEADERS_BYTES = 32_768
LARGEST_BODY_BYTES = 65_536
# A refused body is read to its end up to here, because a client that is still sending may not see the answer.
DRAINED_BODY_BYTES = 4_194_304
SLOWEST_BODY_S = 20.0


class Limits:
    """Middleware: reads the whole request within its limits before anything looks at it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body read, or refuse it. Uploads have limits of their own."""
        if scope["type"] != "http" or _is_upload(scope):
            await self.app(scope, receive, send)
            return
        try:
            _check_head(scope)
            async with asyncio.timeout(SLOWEST_BODY_S):
                body = await _read_body(receive)
        except TimeoutError:
            late = ApiError("request_timeout", "The body took too long to arrive.", {"connection": "close"})
            await error_answer(late, scope)(scope, receive, send)
        except ApiError as refusal:
            await error_answer(refusal, scope)(scope, receive, send)
        else:
            if body is not None:
                scope.setdefault("state", {})["body"] = body
                await self.app(scope, _replay(body, receive), send)


def _is_upload(scope: Scope) -> bool:
    is_form = any(name == b"content-type" and value.startswith(b"multipart/") for name, value in scope["headers"])
    return is_form and scope["method"] in ("POST", "PUT") and scope["path"].startswith("/storage/v1/object/")


def _check_head(scope: Scope) -> None:
    if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_TARGET_BYTES:
        raise ApiError("uri_too_long", f"The path and query take at most {LONGEST_TARGET_BYTES} bytes.")
    if sum(len(name) + len(value) for name, value in scope["headers"]) > LARGEST_HEADERS_BYTES:
        raise ApiError("headers_too_large", f"The headers take at most {LARGEST_HEADERS_BYTES} bytes.")


async def _read_body(receive: Receive) -> bytes | None:
    """The body; None if the client left. Raises ``request_too_large`` once it has been drained."""
    body, size = bytearray(), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        size += len(message.get("body", b""))
        if size <= LARGEST_BODY_BYTES:
            body += message.get("body", b"")
        if not message.get("more_body", False) or size > DRAINED_BODY_BYTES:
            break
    if size > LARGEST_BODY_BYTES:
        raise ApiError(
            "request_too_large", f"The body takes at most {LARGEST_BODY_BYTES} bytes.", {"connection": "close"}
        )
    return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again
