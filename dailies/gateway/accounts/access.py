"""Checks the key of a request (page "Authentication") before its body is read, and adds the balance to the answer."""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dailies.gateway.accounts.accounts import read_balance
from dailies.gateway.accounts.keys import Caller, find_caller
from dailies.gateway.accounts.money import to_text
from dailies.gateway.errors import ApiError, error_answer, request_id
from dailies.gateway.gateway import Gateway
from dailies.gateway.request_body import DRAINED_BODY_BYTES, drain, is_upload
from dailies.gateway.storage.errors import StorageRefusal
from dailies.gateway.storage.keys import read_role
from dailies.gateway.storage.upload import LARGEST_UPLOAD_BYTES

NEEDS_A_KEY = re.compile(r"/(v1|sandbox)(/|$)")
STORAGE = re.compile(r"/storage/v1(/|$)")


class Access:
    """Middleware: lets no request past without a key, where one is needed.

    Everything below ``/v1`` and ``/sandbox`` needs one, and so does every request to the storage that may have a body.
    What the storage lets its callers read, its routes decide.
    """

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self.app = app
        self.gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Authenticate, then pass the request on with its caller in ``request.state``."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add_headers(MutableHeaders(scope=message), scope)
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            await self.app(scope, receive, send_with_headers)
            return
        if not await drain(receive, LARGEST_UPLOAD_BYTES if is_upload(scope) else DRAINED_BODY_BYTES):
            refusal.headers["connection"] = "close"
        await refusal(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        try:
            if NEEDS_A_KEY.match(scope["path"]):
                caller = find_caller(self.gateway.store, bearer_token(headers))
                scope.setdefault("state", {})["caller"] = caller
            elif STORAGE.match(scope["path"]) and scope["method"] not in ("GET", "HEAD"):
                read_role(self.gateway.store, headers.get("authorization"))
        except ApiError as error:
            return error_answer(error, scope)
        except StorageRefusal as error:
            return error.answer()
        return None

    def _add_headers(self, headers: MutableHeaders, scope: Scope) -> None:
        headers["x-request-id"] = request_id(scope)
        caller: Caller | None = scope["state"].get("caller")
        if caller is not None:
            headers["x-geekhub-balance-mxn"] = to_text(read_balance(self.gateway.store, caller.org_id))


def bearer_token(headers: Headers) -> str:
    """Read the key in the ``Authorization`` header.

    Raises:
        ApiError: ``missing_api_key``.
    """
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ApiError("missing_api_key", "Send your API key as 'Authorization: Bearer <key>'.")
    return token.strip()
