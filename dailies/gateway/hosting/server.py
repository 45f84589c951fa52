"""The web server of the gateway: uvicorn with deadlines, a bound on connections, and GeekHub's form for bad HTTP."""

import asyncio
import json
import resource
import secrets
import sys
from collections.abc import Callable
from contextlib import suppress

import h11
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from dailies.gateway.app import create_app
from dailies.gateway.errors import ApiError
from dailies.gateway.faults.middleware import HANG_UP
from dailies.gateway.gateway import Gateway
from dailies.gateway.hosting.port import BACKLOG

# Above the limits of `request_head.py`, which answers; beyond this the parser gives up.
LARGEST_HEAD_BYTES = 131_072
SLOWEST_HEAD_S = 20.0
# A reader must make room for the next 48 KiB within this time.
SLOWEST_READER_S = 30.0
MOST_CONNECTIONS = 4_000
# Database, clips, the pool of renders; and the connections that the loop accepts before it reads the first of them.
OTHER_FILES = 200 + BACKLOG
# Longer than clients keep idle connections: the client closes them, and no request meets a closing one.
KEEP_ALIVE_S = 75
GRACE_S = 3


class GatewayProtocol(H11Protocol):
    """One connection, which has deadlines for its requests' heads and for reading answers."""

    _head_timer: asyncio.TimerHandle | None = None
    _reader_timer: asyncio.TimerHandle | None = None
    most_connections = MOST_CONNECTIONS  # of this process; `configure_server` lowers it to what the system allows

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock for the first request's head."""
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            transport.abort()
            return
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
        """Stop the clocks."""
        self._stop_clock()
        self._stop_reader_clock()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Start the clock of a reader who does not take what was sent."""
        super().pause_writing()
        if self._reader_timer is None:
            self._reader_timer = self.loop.call_later(SLOWEST_READER_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop that clock: the reader has made room."""
        self._stop_reader_clock()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser cannot read, in OpenAI's form."""
        if self.cycle is not None:  # the application may still answer this request; that goes nowhere
            self.cycle.disconnected = True
            self.cycle.message_event.set()
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
        with suppress(h11.LocalProtocolError):  # an answer to HEAD has no body
            for event in (h11.Response(status_code=error.status, headers=headers), h11.Data(data=body)):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _stop_clock(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_reader_clock(self) -> None:
        if self._reader_timer is not None:
            self._reader_timer.cancel()
            self._reader_timer = None

    def _give_up(self) -> None:
        self.transport.close()


def _with_hang_up(app: ASGIApp, close: Callable[[], None]) -> ASGIApp:
    """Put a function into each request's scope that ends the connection without an answer."""

    async def app_with_hang_up(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("extensions", {})[HANG_UP] = close
        await app(scope, receive, send)

    return app_with_hang_up


def allow_connections() -> int:
    """Raise the limit of open files as far as the system lets this process; return how many connections that allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(ValueError, OSError):  # beyond what the kernel allows
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else min(MOST_CONNECTIONS, max(soft - OTHER_FILES, 32))


def configure_server(gateway: Gateway) -> uvicorn.Config:
    """Configure uvicorn for a gateway; the listening socket goes to the server's ``run``."""
    GatewayProtocol.most_connections = allow_connections()
    return uvicorn.Config(
        create_app(gateway),
        http=GatewayProtocol,
        backlog=BACKLOG,
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
