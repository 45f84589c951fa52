"""Checks every request's head before anything else reads it: its length, its host, its origin.

A page of another site can make a browser send requests to 127.0.0.1. Its own address then stands in ``Origin``, or in
``Host`` if it has its name resolve to 127.0.0.1; both are compared byte by byte, before any route sees a URL.
"""

import re

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dailies.gateway.errors import ApiError, error_answer

LONGEST_TARGET_BYTES = 8_192
LARGEST_HEADERS_BYTES = 32_768
OWN_HOST = re.compile(rb"(127\.0\.0\.1|localhost)(:[0-9]{1,5})?", re.IGNORECASE)


class RequestHead:
    """Middleware: refuses what is too long or comes from elsewhere; no browser guesses the type of an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_nosniff(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-content-type-options"] = "nosniff"
            await send(message)

        try:
            check_head(scope)
        except ApiError as refusal:
            await error_answer(refusal, scope)(scope, receive, send_nosniff)
        else:
            await self.app(scope, receive, send_nosniff)


def check_head(scope: Scope) -> None:
    """Check the length of a request's head, its host and its origin.

    Raises:
        ApiError: ``uri_too_long``, ``headers_too_large``, ``not_found`` (host) or ``permission_denied`` (origin).
    """
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    close = {"connection": "close"}
    if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_TARGET_BYTES:
        raise ApiError("uri_too_long", f"The path and query take at most {LONGEST_TARGET_BYTES} bytes.", close)
    if sum(len(name) + len(value) for name, value in headers) > LARGEST_HEADERS_BYTES:
        raise ApiError("headers_too_large", f"The headers take at most {LARGEST_HEADERS_BYTES} bytes.", close)
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) != 1 or not OWN_HOST.fullmatch(hosts[0]):
        raise ApiError("not_found", "Host: this sandbox answers at 127.0.0.1 and localhost only.", close)
    if any(name == b"origin" and value.lower() != b"http://" + hosts[0].lower() for name, value in headers):
        raise ApiError("permission_denied", "Origin: this sandbox answers no page of another origin.", close)
