"""What is not quite HTTP, too long, too slow or meant to break something."""

import json
import socket
from contextlib import closing

import httpx
import pytest

from dailies.gateway import request_body as limits
from dailies.gateway.hosting import server
from dailies.gateway.testing import RunningSandbox, running_sandbox


def speak(sandbox: RunningSandbox, sent: bytes) -> tuple[bytes, bytes]:
    """Send bytes on a connection of its own; the answer's head and body, up to its end."""
    with closing(socket.create_connection(("127.0.0.1", sandbox.address.port), timeout=10)) as connection:
        connection.sendall(sent)
        received = b""
        while part := connection.recv(65_536):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    return head, body


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\r\n\tb\0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nTransfer-Encoding: what\r\n\r\nx",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused_in_the_documented_form(sandbox: RunningSandbox, sent):
    head, body = speak(sandbox, sent)
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["error"]["code"] == "invalid_request_error"


@pytest.mark.parametrize("size", [40_000, 500_000])
def test_long_headers_are_refused(sandbox: RunningSandbox, size):
    sent = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-Long: " + b"x" * size + b"\r\n\r\n"
    try:
        head, body = speak(sandbox, sent)
    except ConnectionError:
        assert size == 500_000  # The connection is reset while we still send.
        return
    assert head.startswith(b"HTTP/1.1 431 ")
    assert json.loads(body)["error"]["code"] == "headers_too_large"


@pytest.mark.parametrize(
    "path", ["/v1/videos/a%0d%0aX-Injected:%20yes", "/v1/videos/%00", "/v1/videos/%ff%fe", "/%2e%2e/x"]
)
def test_paths_cannot_inject_headers(api, sandbox: RunningSandbox, path):
    answer = api.get(sandbox.root_url + path)
    assert answer.status_code == 404
    assert "x-injected" not in answer.headers
    answer.json()


def test_idempotency_key_cannot_inject_headers(api):
    body = {"model": "fal/kling-2", "prompt": "a fox"}
    with pytest.raises(httpx.LocalProtocolError):
        api.post("/videos/generations", json=body, headers={"Idempotency-Key": "a\r\nX-Injected: yes"})


def send_often(connection: socket.socket, chunk: bytes) -> None:
    for _ in range(2_000):
        connection.sendall(chunk)


def test_body_without_end_is_cut_off(sandbox: RunningSandbox):
    head = b"POST /v1/x HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    with closing(socket.create_connection(("127.0.0.1", sandbox.address.port), timeout=10)) as connection:
        connection.sendall(head)
        with pytest.raises(ConnectionError):
            send_often(connection, chunk)


def test_head_that_never_ends_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "SLOWEST_HEAD_S", 0.05)
    with running_sandbox(tmp_path) as sandbox:
        assert speak(sandbox, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n") == (b"", b"")
        assert speak(sandbox, b"") == (b"", b"")


def test_second_head_that_never_ends_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "SLOWEST_HEAD_S", 0.05)
    with (
        running_sandbox(tmp_path) as sandbox,
        closing(socket.create_connection(("127.0.0.1", sandbox.address.port), timeout=10)) as connection,
    ):
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET /healthz HT")
        while connection.recv(65_536):
            pass


def test_body_that_never_ends_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "SLOWEST_BODY_S", 0.05)
    with running_sandbox(tmp_path) as sandbox:
        request = "POST /v1/x HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {}\r\nContent-Length: 9\r\n\r\nx"
        refused = speak(sandbox, request.format(f"Bearer {sandbox.api_key}").encode())
        stranger = speak(sandbox, request.format("none").encode())
    assert refused[0].startswith(b"HTTP/1.1 408 ")
    assert json.loads(refused[1])["error"]["code"] == "request_timeout"
    assert json.loads(stranger[1])["error"]["code"] == "missing_api_key"


def test_client_that_leaves_in_the_middle_harms_nobody(api, sandbox: RunningSandbox):
    sent = b"POST /v1/videos/generations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nx"
    with closing(socket.create_connection(("127.0.0.1", sandbox.address.port), timeout=10)) as connection:
        connection.sendall(sent)
    assert api.get("/credits").status_code == 200


def test_client_that_leaves_before_the_answer_is_served_all_the_same(api, submit, sandbox: RunningSandbox):
    job = submit()
    sandbox.clock.advance(700)
    request = (
        f"GET /v1/videos/{job['id']} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {sandbox.api_key}\r\n\r\n"
    )
    with closing(socket.create_connection(("127.0.0.1", sandbox.address.port), timeout=10)) as connection:
        connection.sendall(request.encode())
    assert api.get(f"/videos/{job['id']}").json()["status"] == "completed"
    assert len(sandbox.transactions()) == 2


def test_requests_on_one_connection_are_answered_in_order(sandbox: RunningSandbox):
    one = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    last = b"GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    head, rest = speak(sandbox, one * 3 + last)
    assert head.startswith(b"HTTP/1.1 200 ")
    assert rest.count(b"HTTP/1.1 200 ") == 2
    assert rest.count(b"HTTP/1.1 404 ") == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"HEAD / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n",
        b"GET /x HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n",
        b"GET /x HTTP/1.1\r\nHost: evil\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\nno chunk\r\n",
    ],
)
def test_a_body_that_breaks_the_protocol_is_no_defect(sandbox: RunningSandbox, caplog, sent: bytes):
    head, _ = speak(sandbox, sent)
    assert head == b"" or head.startswith(b"HTTP/1.1 40")
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_listens_on_this_machine_only(sandbox: RunningSandbox):
    assert sandbox.root_url.startswith("http://127.0.0.1:")
    with closing(socket.socket()) as stranger, pytest.raises(ConnectionRefusedError):
        stranger.connect(("127.0.0.2", sandbox.address.port))
