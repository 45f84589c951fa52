"""The web server around the gateway: uvicorn, with answers of our own to what is not HTTP."""

import asyncio
import json
import secrets
import sys
from collections.abc import Callable

import h11
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from dailies.gateway.app import create_app
from dailies.gateway.errors import ApiError
from dailies.gateway.faults.middleware import HANG_UP
from dailies.gateway.gateway import Gateway

# Above the limits that `limits.py` refuses politely; beyond this the parser gives up.
LARGEST_HEAD_BYTES = 131_072
SLOWEST_HEAD_S = 20.0
# Longer than clients keep idle connections, so that they, not we, close them: no request meets a closing one.
KEEP_ALIVE_S = 75
GRACE_S = 3


class GatewayProtocol(H11Protocol):
    """One connection: it must send its first request in time, and can be cut without an answer."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock for the first request's head."""
        super().connection_made(transport)
        self.app = _with_hang_up(self.app, transport.close)
        self._head_timer = self.loop.call_later(SLOWEST_HEAD_S, self._give_up)

    def data_received(self, data: bytes) -> None:
        """Parse; while a head is incomplete the clock runs."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_clock()
        elif self._head_timer is None and self.conn.trailing_data[0]:
            self._head_timer = self.loop.call_later(SLOWEST_HEAD_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock."""
        self._stop_clock()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser cannot read, in OpenAI's form."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()
            return
        problem = sys.exception()
        is_long = isinstance(problem, h11.RemoteProtocolError) and problem.error_status_hint == 431
        error = ApiError("headers_too_large" if is_long else "invalid_request_error", msg)
        request_id = f"req_{secrets.token_hex(12)}"
        body = json.dumps(error.body(request_id)).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"x-request-id", request_id.encode()),
            (b"connection", b"close"),
        ]
        for event in (h11.Response(status_code=error.status, headers=headers), h11.Data(data=body)):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _stop_clock(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self.transport.close()


def _with_hang_up(app: ASGIApp, close: Callable[[], None]) -> ASGIApp:
    """Give the application, in each request's scope, a way to end the connection without an answer."""

    async def app_with_hang_up(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("extensions", {})[HANG_UP] = close
        await app(scope, receive, send)

    return app_with_hang_up


def configure_server(gateway: Gateway) -> uvicorn.Config:
    """How uvicorn serves a gateway; the listening socket goes to the server's ``run``."""
    return uvicorn.Config(
        create_app(gateway),
        http=GatewayProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        h11_max_incomplete_event_size=LARGEST_HEAD_BYTES,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
