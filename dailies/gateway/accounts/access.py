"""Who may call: checks the API key (page "Authentication") and tells the balance on every answer."""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dailies.gateway.accounts.accounts import read_balance
from dailies.gateway.accounts.keys import Caller, find_caller
from dailies.gateway.accounts.money import to_text
from dailies.gateway.answers import error_answer, request_id
from dailies.gateway.errors import ApiError
from dailies.gateway.gateway import Gateway

NEEDS_A_KEY = re.compile(r"/(v1|sandbox)(/|$)")


class Access:
    """Middleware: lets nobody past without a key, where one is needed."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self.app = app
        self.gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Authenticate, then pass the request on with its caller in ``request.state``."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        caller: Caller | None = None

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add_headers(MutableHeaders(scope=message), scope, caller)
            await send(message)

        try:
            if NEEDS_A_KEY.match(scope["path"]):
                caller = find_caller(self.gateway.store, bearer_token(Headers(scope=scope)))
                scope.setdefault("state", {})["caller"] = caller
        except ApiError as refusal:
            await error_answer(refusal, scope)(scope, receive, send_with_headers)
            return
        await self.app(scope, receive, send_with_headers)

    def _add_headers(self, headers: MutableHeaders, scope: Scope, caller: Caller | None) -> None:
        headers["x-request-id"] = request_id(scope)
        if caller is not None:
            headers["x-geekhub-balance-mxn"] = to_text(read_balance(self.gateway.store, caller.org_id))


def bearer_token(headers: Headers) -> str:
    """The key in the ``Authorization`` header.

    Raises:
        ApiError: ``missing_api_key``.
    """
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ApiError("missing_api_key", "Send your API key as 'Authorization: Bearer <key>'.")
    return token.strip()
