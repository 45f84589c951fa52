"""Reads the bodies of requests: how long they may be, route by route, and how long they may take to arrive."""

import asyncio
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dailies.gateway.errors import ApiError, error_answer

LARGEST_BODY_BYTES = 65_536
# The gateway reads a refused body to its end up to here: a client that is still sending may not see the answer.
DRAINED_BODY_BYTES = 4_194_304
SLOWEST_BODY_S = 20.0
# Only these routes take files; `storage/upload.py` has their limits.
UPLOAD = re.compile(r"/storage/v1/object/(?!(?:list|sign|info|public)/)[^/]+/.")


class RequestBody:
    """Middleware: reads the whole body within its limits before a route sees it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body read, or refuse it. Uploads are read by their route."""
        if scope["type"] != "http" or is_upload(scope):
            await self.app(scope, receive, send)
            return
        try:
            body = await read_body(receive)
        except ApiError as refusal:
            await error_answer(refusal, scope)(scope, receive, send)
            return
        if body is not None:
            scope.setdefault("state", {})["body"] = body
            await self.app(scope, _replay(body, receive), send)


def is_upload(scope: Scope) -> bool:
    """Say whether a request is for a route that takes a file, whatever its headers claim."""
    return scope["method"] == "POST" and UPLOAD.match(scope["path"]) is not None


async def read_body(receive: Receive) -> bytes | None:
    """Read a body; None if the client left.

    Raises:
        ApiError: ``request_too_large``, once the body has been drained, or ``request_timeout``.
    """
    body = bytearray()
    message: Message = {"more_body": True}
    close = {"connection": "close"}
    try:
        async with asyncio.timeout(SLOWEST_BODY_S):
            while message.get("more_body", False):
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                body += message.get("body", b"")
                if len(body) > LARGEST_BODY_BYTES:
                    if message.get("more_body", False):
                        await drain(receive, DRAINED_BODY_BYTES)
                    raise ApiError("request_too_large", f"The body takes at most {LARGEST_BODY_BYTES} bytes.", close)
    except TimeoutError:
        raise ApiError("request_timeout", "The body took too long to arrive.", close) from None
    return bytes(body)


async def drain(receive: Receive, most_bytes: int) -> bool:
    """Read and drop what still arrives of a body, up to a number of bytes and for at most 20 s; True at its end."""
    size = 0
    try:
        async with asyncio.timeout(SLOWEST_BODY_S):
            while size <= most_bytes:
                message = await receive()
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return True
    except TimeoutError:
        pass
    return False


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again
