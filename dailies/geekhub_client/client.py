"""GeekHub's video API over httpx: the only module that speaks HTTP to it.

Transport faults are retried here and nowhere else. A POST may be sent again, too: it carries an idempotency key, and
a job that is not polled is never charged (page "GET poll").
"""

import asyncio
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any, Protocol, Self

import httpx
import stamina
from pydantic import SecretStr

from dailies.errors import PaceError, ServiceError, TransportError
from dailies.geekhub_client.job import Job, VideoRequest
from dailies.geekhub_client.responses import is_model_list, read_balance, read_consumption, read_error, read_job
from dailies.redaction import register_secret
from dailies.settings import Settings

MAX_TRIES = 5
MAX_ANSWER_BYTES = 1_000_000
_MAX_CONNECTIONS = 100
_MAX_PAUSES = 100
_MOST_WAIT_S = 1800.0
_UNREACHABLE = "unreachable"
_NO_SUCH_PAGE = (404, 405, 501)
_OUTAGE_PAUSE_S = 1.0
_NEVER_SENT = (
    *(httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout),
    *(httpx.ProxyError, httpx.UnsupportedProtocol, httpx.LocalProtocolError),
)
_OF_THE_WIRE = ("content-encoding", "content-length", "transfer-encoding")


class Gate(Protocol):
    """Paces requests: the client awaits it before each one and calls ``pause`` when the service answers 429."""

    async def ready(self) -> None:
        """Wait until a request may be sent."""

    def pause(self, seconds: float, *, is_poll: bool = False) -> None:
        """Hold all requests for so long; then send the kind that was refused, polls or submits, more slowly."""

    def hold(self, seconds: float) -> None:
        """Hold all requests for so long, then send them at the same rate as before."""


class OpenGate:
    """A gate without a rate: for single requests."""

    def __init__(self) -> None:
        self._pause_s = 0.0

    async def ready(self) -> None:
        """Wait out what the service asked for."""
        pause_s, self._pause_s = self._pause_s, 0.0
        await asyncio.sleep(pause_s)

    def pause(self, seconds: float, *, is_poll: bool = False) -> None:  # noqa: ARG002
        """Hold the next request for so long."""
        self._pause_s = seconds

    def hold(self, seconds: float) -> None:
        """Hold the next request for so long."""
        self._pause_s = seconds


class GeekHubClient:
    """The API's two endpoints and what GeekHub announces beside them.

    Args:
        base_url: such as ``https://api.geekhub.mx/v1``.
        api_key: sent as a bearer token; it appears in no message and no ``repr``.
        gate: paces requests; by default nothing does.
        timeout_s: seconds for one request, from the connection to the last byte of its answer.
        repeat_in_doubt: whether a POST whose answer was lost is sent again, with the same key.
        outage_limit_s: seconds for which all requests wait, at the gate, while the service cannot be reached at all.
        transport: httpx's seam for tests.

    Attributes:
        balance_mxn: as the last answer reported it, None if none did.
        date: the service's clock as the last answer reported it, in HTTP's form.
    """

    def __init__(
        self,
        base_url: str,
        api_key: SecretStr,
        *,
        gate: Gate | None = None,
        timeout_s: float = 30.0,
        repeat_in_doubt: bool = True,
        outage_limit_s: float = 0.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.balance_mxn: Decimal | None = None
        register_secret(api_key.get_secret_value())
        self._gate = gate or OpenGate()
        self._repeat_in_doubt = repeat_in_doubt
        self._outage_limit_s = outage_limit_s
        self._lost_at: float | None = None
        self.date: str | None = None
        self._timeout_s = timeout_s
        self._connections = asyncio.Semaphore(_MAX_CONNECTIONS)
        self._http = httpx.AsyncClient(
            base_url=self.base_url,
            headers={"authorization": f"Bearer {api_key.get_secret_value()}", "user-agent": "dailies"},
            timeout=httpx.Timeout(
                timeout_s, connect=timeout_s / 3
            ),  # TCP and TLS end before the whole: nothing was sent
            limits=httpx.Limits(max_connections=_MAX_CONNECTIONS, max_keepalive_connections=50),
            transport=transport,
        )

    @classmethod
    def of(cls, settings: Settings, **options: Any) -> Self:
        """Make the client of the settings' account; ``options`` are the constructor's.

        Raises:
            SettingsError: there is no key.
        """
        key = settings.require_key()
        return cls(settings.geekhub_base_url, key, timeout_s=settings.request_timeout_s, **options)

    def __repr__(self) -> str:
        return f"GeekHubClient({self.base_url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def create_video(self, request: VideoRequest, idempotency_key: str, *, within_s: float = _MOST_WAIT_S) -> Job:
        """Create a job (page "POST generations"); send the request up to five times while no clear answer comes.

        Retries and pauses of the service end after ``within_s`` seconds.

        Raises:
            RowRefusedError: the request itself is wrong, or a content filter refused it.
            AccountError: 401 or 402; no job was made by this call unless ``in_doubt``.
            TransportError: no clear answer; ``in_doubt`` says whether a job may exist.
        """
        in_doubt = False
        tries = 0
        until = asyncio.get_running_loop().time() + within_s
        async for attempt in stamina.retry_context(
            on=self._create_again, attempts=MAX_TRIES, timeout=within_s, wait_initial=0.2, wait_max=10
        ):
            with attempt:
                tries = attempt.num
                try:
                    response = await self._send(
                        *("POST", "/videos/generations", until),
                        json=request.body(),
                        headers={"idempotency-key": idempotency_key},
                    )
                    return replace(read_job(response), tries=tries)
                except ServiceError as error:
                    in_doubt = error.in_doubt = in_doubt or error.in_doubt
                    raise
        raise AssertionError("stamina returns or raises")

    def _create_again(self, error: Exception) -> bool:
        return isinstance(error, TransportError) and (self._repeat_in_doubt or not error.in_doubt)

    async def get_video(self, job_id: str, *, within_s: float = _MOST_WAIT_S) -> Job:
        """Poll a job once (page "GET poll"): the poll that finds it done is the one that is charged.

        Retries and pauses of the service end after ``within_s`` seconds.

        Raises:
            JobNotFoundError: 404; never a reason to submit again.
            KeyRefusedError: 401.
            TransportError: no clear answer after five tries.
        """
        until = asyncio.get_running_loop().time() + within_s
        async for attempt in stamina.retry_context(
            on=TransportError, attempts=MAX_TRIES, timeout=within_s, wait_initial=0.2, wait_max=10
        ):
            with attempt:
                return read_job(await self._send("GET", f"/videos/{job_id}", until), expected_id=job_id)
        raise AssertionError("stamina returns or raises")

    async def read_balance(self) -> Decimal | None:
        """Return the account's balance in MXN if the service reports it (``GET /v1/credits``, announced), else None.

        Only a service without that page reports none: after any other refusal the client asks again, then raises.

        Raises:
            AccountError: 401 or 402.
            ServiceError: no balance after five tries.
            TransportError: the service cannot be reached.
        """
        async for attempt in stamina.retry_context(
            on=_may_answer_later, attempts=MAX_TRIES, timeout=None, wait_initial=0.2, wait_max=10
        ):
            with attempt:
                await self._gate.ready()
                response = await self._exchange("GET", "/credits")
                if response.status_code in _NO_SUCH_PAGE:
                    return None
                if response.is_success:
                    return self.balance_mxn
                error = self._error(response, is_poll=False)
                if isinstance(error, PaceError):
                    self._gate.pause(error.retry_after_s or 0.0, is_poll=True)
                raise error
        raise AssertionError("stamina returns or raises")

    async def require_geekhub(self) -> None:
        """Make sure that GeekHub is what answers: ``GET /models`` (page "Video models") in OpenAI's list form.

        Raises:
            KeyRefusedError: 401.
            ServiceError: GeekHub says something else.
            TransportError: it cannot be reached, or something else answers at this address.
        """
        response = await self._exchange("GET", "/models")
        if not is_model_list(response):
            error = self._error(response, is_poll=False)
            if not response.is_success and not isinstance(error, TransportError):
                raise error
            message = f"{self.base_url} answers, but not as GeekHub does (HTTP {response.status_code})."
            raise TransportError(message, code="not_geekhub", status=response.status_code)

    async def read_consumption(self) -> Decimal | None:
        """Return everything that was ever charged, in MXN: the sandbox reports it, GeekHub does not (None).

        Raises:
            KeyRefusedError: 401.
            TransportError: the service cannot be reached.
        """
        response = await self._exchange("GET", f"{self.base_url.removesuffix('/v1')}/sandbox/account")
        if response.status_code == 401:
            raise self._error(response, is_poll=False)
        return read_consumption(response) if response.is_success else None

    async def _send(self, method: str, path: str, until: float, **content: Any) -> httpx.Response:
        """Send, and wait out every 429 until that time of the loop's clock; return a 200 answer."""
        for pauses in count(1):
            response = await self._reach(method, path, until, **content)
            if response.is_success:
                return response
            error = self._error(response, is_poll=method == "GET")
            if not isinstance(error, PaceError):
                raise error
            self._gate.pause(error.retry_after_s or 0.0, is_poll=method == "GET")
            if pauses == _MAX_PAUSES or asyncio.get_running_loop().time() >= until:
                raise error
        raise AssertionError("the loop returns or raises")

    async def _reach(self, method: str, path: str, until: float, **content: Any) -> httpx.Response:
        """Send when the gate allows it and the service can be reached; all requests wait for the end of an outage."""
        while True:
            await self._wait_for_gate(until)
            try:
                return await self._exchange(method, path, **content)
            except TransportError as error:
                if error.code != _UNREACHABLE or self._outage_s() >= self._outage_limit_s:
                    raise
                self._gate.hold(_OUTAGE_PAUSE_S)

    async def _wait_for_gate(self, until: float) -> None:
        try:
            async with asyncio.timeout_at(until):
                await self._gate.ready()
        except TimeoutError:
            raise PaceError("the service asks for a longer pause than this request can wait", "paused") from None

    def _outage_s(self) -> float:
        return 0.0 if self._lost_at is None else asyncio.get_running_loop().time() - self._lost_at

    async def _exchange(self, method: str, path: str, **content: Any) -> httpx.Response:
        """Send one request and read its whole answer: within ``timeout_s``, and at most ``MAX_ANSWER_BYTES``."""
        try:
            async with self._connections, asyncio.timeout(self._timeout_s):
                response = await self._read(self._http.build_request(method, path, **content))
        except _NEVER_SENT as error:
            self._lost_at = self._lost_at or asyncio.get_running_loop().time()
            why = str(error) or type(error).__name__
            raise TransportError(f"{self.base_url} cannot be reached: {why}", code=_UNREACHABLE) from None
        except (httpx.HTTPError, TimeoutError) as error:
            lost = f"the connection was lost: {type(error).__name__}"
            raise TransportError(lost, code="no_answer", in_doubt=True) from None
        self._lost_at = None
        self.date = response.headers.get("date")
        balance = read_balance(response)
        if balance is not None:
            self.balance_mxn = balance
        return response

    async def _read(self, request: httpx.Request) -> httpx.Response:
        streamed = await self._http.send(request, stream=True)
        try:
            body = bytearray()
            async for part in streamed.aiter_bytes():
                body += part
                if len(body) > MAX_ANSWER_BYTES:
                    too_long = f"the answer is longer than {MAX_ANSWER_BYTES:,} bytes"
                    raise TransportError(too_long, "bad_answer", streamed.status_code, in_doubt=True)
        finally:
            await streamed.aclose()
        headers = [(name, value) for name, value in streamed.headers.items() if name not in _OF_THE_WIRE]
        return httpx.Response(streamed.status_code, headers=headers, content=bytes(body), request=request)

    def _error(self, response: httpx.Response, *, is_poll: bool) -> ServiceError:
        return read_error(response, is_poll=is_poll)


def _may_answer_later(error: Exception) -> bool:
    """Return whether the service answered with an error that may be gone when it is asked again."""
    return isinstance(error, ServiceError) and error.retryable and error.status is not None
