"""The client over httpx's transport seam: what is sent, what is sent again, and that the key stays where it is."""

import asyncio
import contextlib
import pickle
import socket
from collections.abc import AsyncIterator
from decimal import Decimal

import httpx
import pytest
import stamina
from pydantic import SecretStr

from dailies.errors import (
    BalanceEmptyError,
    ContentFilterError,
    JobNotFoundError,
    KeyRefusedError,
    PaceError,
    RowRefusedError,
    ServiceError,
    TransportError,
)
from dailies.geekhub_client.client import MAX_TRIES, GeekHubClient, OpenGate
from dailies.geekhub_client.job import JobStatus
from tests.factories import LIVE_KEY, TEST_KEY
from tests.geekhub_client.service import (
    BLANK_502,
    FILTERED,
    JOB_ID,
    LOST,
    OFFLINE,
    REQUEST,
    Gate,
    Service,
    create,
    job,
    poll,
    refusal,
)


async def test_a_submit_is_sent_as_documented():
    service = Service(job())

    created = await create(service)

    (request,) = service.requests
    assert (request.method, str(request.url)) == ("POST", "https://api.test/v1/videos/generations")
    assert request.headers["authorization"] == f"Bearer {LIVE_KEY}"
    assert request.headers["idempotency-key"] == "ledger:row:1"
    assert request.read() == b'{"model":"fal/kling-2","prompt":"a lighthouse","duration":5,"aspect_ratio":"16:9"}'
    assert (created.id, created.status, created.tries) == (JOB_ID, JobStatus.PROCESSING, 1)


async def test_a_poll_is_sent_as_documented():
    service = Service(job("completed", video_url="https://v.test"))

    found = await poll(service)

    assert [(r.method, r.url.path) for r in service.requests] == [("GET", f"/v1/videos/{JOB_ID}")]
    assert (found.status, found.video_url) == (JobStatus.COMPLETED, "https://v.test")


@pytest.mark.parametrize("fault", [LOST, OFFLINE, BLANK_502, refusal(500), httpx.RemoteProtocolError("cut off")])
async def test_a_submit_without_a_clear_answer_is_repeated_with_the_same_key_and_body(fault):
    service = Service(fault, fault, job())

    created = await create(service)

    assert created.tries == 3
    assert {request.headers["idempotency-key"] for request in service.requests} == {"ledger:row:1"}
    assert len({request.read() for request in service.requests}) == 1


@pytest.mark.parametrize(
    ("fault", "in_doubt"),
    [(LOST, True), (BLANK_502, True), (job("x", id=1), True), (OFFLINE, False), (refusal(500), False)],
)
async def test_a_submit_is_sent_five_times_at_most(fault, in_doubt):
    service = Service(fault)

    with pytest.raises(TransportError) as caught:
        await create(service)

    assert len(service.requests) == MAX_TRIES == 5
    assert caught.value.in_doubt is in_doubt


@pytest.mark.parametrize("last", [OFFLINE, refusal(500), refusal(402), refusal(401), refusal(400), FILTERED])
async def test_one_lost_answer_leaves_a_submit_in_doubt_whatever_comes_after_it(last):
    with pytest.raises(ServiceError) as caught:
        await create(Service(LOST, last))

    assert caught.value.in_doubt


async def test_a_submit_in_doubt_is_not_repeated_where_it_is_to_be_held():
    service = Service(LOST)

    with pytest.raises(TransportError) as caught:
        await create(service, repeat_in_doubt=False)

    assert caught.value.in_doubt
    assert len(service.requests) == 1


async def test_a_submit_that_never_found_a_connection_is_not_in_doubt():
    """The service's queue of connections is full, as behind a firewall that answers nothing."""
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/v1"
        async with GeekHubClient(url, SecretStr(LIVE_KEY), timeout_s=0.6) as client:
            with pytest.raises(TransportError, match="cannot be reached: ConnectTimeout") as caught:
                await client.create_video(REQUEST, "ledger:row:1")

    assert (caught.value.code, caught.value.in_doubt) == ("unreachable", False)


async def test_a_submit_that_was_clearly_refused_is_repeated_even_where_doubt_is_to_be_held():
    service = Service(refusal(500), OFFLINE, job())

    assert (await create(service, repeat_in_doubt=False)).tries == 3


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal(400), RowRefusedError),
        (refusal(404, code="model_not_found"), RowRefusedError),
        (FILTERED, ContentFilterError),
        (refusal(401), KeyRefusedError),
        (refusal(402), BalanceEmptyError),
    ],
)
async def test_what_cannot_succeed_is_sent_once(answer, kind):
    service = Service(answer)

    with pytest.raises(kind) as caught:
        await create(service)

    assert type(caught.value) is kind
    assert len(service.requests) == 1
    assert not caught.value.in_doubt


@pytest.mark.parametrize("call", [create, poll])
async def test_a_429_makes_everybody_wait_as_long_as_the_service_asks(call):
    service, gate = Service(refusal(429, retry_after="7"), refusal(429), job()), Gate()

    found = await call(service, gate=gate)

    assert found.id == JOB_ID
    assert gate.pauses == [7.0, 2.0]
    assert gate.passed == 3


async def test_429s_are_not_counted_as_tries():
    assert (await create(Service(refusal(429), refusal(429), LOST, refusal(429), job()))).tries == 2


async def test_a_429_that_never_ends_is_told_in_the_end():
    service = Service(refusal(429))

    with pytest.raises(PaceError):
        await create(service)

    assert len(service.requests) == 100


@pytest.mark.parametrize("fault", [LOST, OFFLINE, BLANK_502, refusal(500), job(id="another")])
async def test_a_poll_without_a_clear_answer_is_repeated_five_times_at_most(fault):
    service = Service(fault)

    with pytest.raises(TransportError):
        await poll(service)

    assert len(service.requests) == 5
    assert (await poll(Service(fault, fault, job()))).id == JOB_ID


async def test_a_poll_of_an_unknown_job_is_told_at_once():
    service = Service(refusal(404))

    with pytest.raises(JobNotFoundError):
        await poll(service)

    assert len(service.requests) == 1


async def test_an_outage_is_waited_out_at_the_gate_and_is_no_try():
    service, gate = Service(*[OFFLINE] * 20, job()), Gate()

    created = await create(service, gate=gate, outage_limit_s=1000)

    assert created.tries == 1
    assert len(gate.pauses) == 20


async def test_an_outage_is_waited_out_for_so_long_only():
    service = Service(OFFLINE)

    with pytest.raises(TransportError, match=r"https://api.test/v1 cannot be reached"):
        await create(service, outage_limit_s=1e-9)

    assert 5 <= len(service.requests) <= 6


@pytest.mark.parametrize(
    ("answer", "mxn"),
    [
        (httpx.Response(200, json={"balance_mxn": "12.50"}), "12.50"),
        (httpx.Response(200, json={"balance": 0}), "0"),
        (httpx.Response(200, json={"balance": "-3"}), "-3"),
        (httpx.Response(200, json={}, headers={"x-geekhub-balance-mxn": "9"}), "9"),
        (httpx.Response(200, json={"something": "else"}), None),
        (refusal(404), None),
        (httpx.Response(404, text="<html>"), None),
        (refusal(405), None),
        (httpx.Response(501), None),
    ],
)
async def test_the_balance_is_what_the_service_tells_and_none_where_it_does_not(answer, mxn):
    async with Service(answer).client() as client:
        assert await client.read_balance() == (None if mxn is None else Decimal(mxn))


@pytest.mark.parametrize("fault", [refusal(429, retry_after="3"), refusal(500), BLANK_502, httpx.Response(503)])
async def test_a_balance_that_is_not_told_at_once_is_asked_for_again(fault):
    gate = Gate()
    async with Service(fault, fault, httpx.Response(200, json={"balance_mxn": "12.50"})).client(gate=gate) as client:
        assert await client.read_balance() == Decimal("12.50")

    assert gate.passed == 3
    assert gate.pauses == ([3, 3] if fault.status_code == 429 else [])


@pytest.mark.parametrize(
    ("answer", "error", "tries"),
    [
        (refusal(429), PaceError, MAX_TRIES),
        (refusal(500), TransportError, MAX_TRIES),
        (BLANK_502, TransportError, MAX_TRIES),
        (httpx.Response(302), TransportError, MAX_TRIES),
        (refusal(402), BalanceEmptyError, 1),
        (refusal(403), KeyRefusedError, 1),
        (refusal(400), RowRefusedError, 1),
        (LOST, TransportError, 1),
    ],
)
async def test_a_balance_that_is_refused_is_an_error_and_not_unknown(answer, error, tries):
    service = Service(answer)
    async with service.client() as client:
        with pytest.raises(error):
            await client.read_balance()

    assert len(service.requests) == tries


async def test_asking_for_the_balance_with_a_bad_key_is_told():
    async with Service(refusal(401)).client() as client:
        with pytest.raises(KeyRefusedError):
            await client.read_balance()


async def test_asking_an_unreachable_service_for_the_balance_is_told():
    async with Service(OFFLINE).client() as client:
        with pytest.raises(TransportError):
            await client.read_balance()


async def test_the_last_balance_that_any_answer_told_is_kept():
    processing = httpx.Response(
        200, json={"id": JOB_ID, "status": "processing"}, headers={"x-geekhub-balance-mxn": "5"}
    )
    async with Service(processing, job()).client() as client:
        await client.get_video(JOB_ID)
        await client.get_video(JOB_ID)

        assert client.balance_mxn == 5


FAULTS = [LOST, OFFLINE, BLANK_502, refusal(500), refusal(401, f"key {LIVE_KEY} revoked"), refusal(400), refusal(402)]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", [create, poll])
async def test_the_key_appears_in_no_error(call, fault):
    with pytest.raises(ServiceError) as caught:
        await call(Service(fault))

    error = caught.value
    assert LIVE_KEY not in f"{error}{error!r}{error.args}{vars(error)}{pickle.dumps(error)!r}"
    assert error.__cause__ is None


async def test_the_key_appears_in_no_repr():
    async with Service(job()).client() as client:
        assert repr(client) == "GeekHubClient('https://api.test/v1')"
        assert LIVE_KEY not in f"{vars(client)}"


class Drip(httpx.AsyncByteStream):
    """A body that comes in parts and never ends."""

    def __init__(self, part: bytes, every_s: float) -> None:
        self._part, self._every_s = part, every_s

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(self._every_s)
            yield self._part


@pytest.mark.parametrize(
    ("body", "timeout_s", "code"),
    [(Drip(b" " * 65_536, 0.0), 30.0, "bad_answer"), (Drip(b" ", 0.01), 0.1, "no_answer")],
)
async def test_one_deadline_and_one_size_hold_for_a_whole_answer(body, timeout_s, code):
    """Each read of it comes in time."""
    endless = httpx.MockTransport(lambda _: httpx.Response(200, stream=body))
    async with GeekHubClient("https://api.test/v1", SecretStr(LIVE_KEY), transport=endless, timeout_s=timeout_s) as api:
        with pytest.raises(TransportError) as caught:
            await api.create_video(REQUEST, "key")
    assert (caught.value.code, caught.value.in_doubt) == (code, True)


@pytest.mark.parametrize("send", ["create", "poll"])
async def test_a_pause_that_is_longer_than_a_request_can_wait_ends_it(send):
    gate, service = OpenGate(), Service(job())
    gate.pause(300)
    async with service.client(gate=gate) as api:
        with pytest.raises(PaceError) as caught:
            await (
                api.create_video(REQUEST, "key", within_s=0.05)
                if send == "create"
                else api.get_video(JOB_ID, within_s=0.05)
            )
    assert (caught.value.in_doubt, service.requests) == (False, [])


@pytest.mark.parametrize("fault", [httpx.ProxyError("no"), httpx.UnsupportedProtocol("no"), httpx.PoolTimeout("full")])
async def test_what_provably_never_left_is_not_in_doubt(fault):
    with pytest.raises(TransportError) as caught:
        await create(Service(fault))
    assert not caught.value.in_doubt


async def test_a_409_after_a_doubtful_try_says_that_the_job_exists():
    with pytest.raises(RowRefusedError) as caught:
        await create(Service(LOST, refusal(409)))
    assert (caught.value.status, caught.value.in_doubt) == (409, True)


async def test_a_retry_names_its_reason_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    answers = iter([httpx.Response(503, json={"error": {"message": "the provider is away", "code": "x"}})])
    done = httpx.Response(200, json={"id": "job-1", "status": "processing"})
    transport = httpx.MockTransport(lambda _: next(answers, done))
    with stamina.set_testing(False), caplog.at_level("WARNING"):
        async with GeekHubClient("https://geekhub.test/v1", SecretStr(TEST_KEY), transport=transport) as client:
            await client.get_video("job-1")
    assert "try 1 failed (TransportError: the provider is away); trying again in" in caplog.text
    assert "retry_scheduled" not in caplog.text
