"""What a client without a key, a page of another site, a slow or a hostile client cannot do to a sandbox."""

import asyncio
import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from dailies.gateway import request_body, start_sandbox, stop_sandbox
from dailies.gateway.hosting import foreground, server
from dailies.gateway.storage.serving import PIECE_BYTES, FilePart
from dailies.gateway.testing import RunningSandbox, running_sandbox
from tests.gateway.sandbox_client import client_of, get

DEEP = b"[" * 30_000
FOREIGN_HOSTS = (
    *(
        "a{b.evil.example",
        "evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1:80@evil.example",
        "localhost.evil.example",
    ),
    *("localhost:x", "127.0.0.1:", "127.0.0.1 evil", "[::1]", "2130706433", "127.1", "localhost:123456", "localhost/"),
)
Raw = Callable[..., httpx.Response]


@contextmanager
def connected(sandbox: RunningSandbox) -> Iterator[socket.socket]:
    with closing(socket.create_connection(("127.0.0.1", sandbox.address.port), timeout=30)) as connection:
        yield connection


def read_all(connection: socket.socket) -> bytes:
    """What arrives until the connection is closed, politely or not."""
    received = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(65_536):
            received += part
    return received


@pytest.fixture
def storage(sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    """A client with the storage's service key, and a public bucket."""
    headers = {"authorization": f"Bearer {sandbox.storage.service_key}"}
    with httpx.Client(base_url=f"{sandbox.root_url}/storage/v1", headers=headers, timeout=30, verify=False) as client:
        client.post("/bucket", json={"name": "open", "public": True}).raise_for_status()
        yield client


def upload(storage: httpx.Client, key: str, content: bytes, kind: str = "video/mp4") -> None:
    storage.post(f"/object/open/{key}", files={"file": ("x", content, kind)}).raise_for_status()


@pytest.mark.parametrize("path", ["/object/list/x", "/object/sign/open/a", "/bucket", "/object/list/x/y"])
def test_a_multipart_header_lifts_no_limit(storage: httpx.Client, path: str) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = storage.post(path, content=b"x" * 1_000_000, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/videos/generations", "missing_api_key"),
        ("/sandbox/faults", "missing_api_key"),
        ("/storage/v1/object/list/open", "AccessDenied"),
        ("/storage/v1/object/open/a.mp4", "AccessDenied"),
        ("/storage/v1/bucket", "AccessDenied"),
    ],
)
def test_the_key_is_checked_before_the_body_has_arrived(tmp_path: Path, monkeypatch, path: str, code: str) -> None:
    monkeypatch.setattr(request_body, "SLOWEST_BODY_S", 0.05)
    with running_sandbox(tmp_path) as sandbox, connected(sandbox) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: x\r\nContent-Length: 900000\r\n\r\n"
        connection.sendall(head.encode() + b"{")
        answer = read_all(connection)
    assert code.encode() in answer
    assert b"connection: close" in answer


def test_a_reader_that_takes_nothing_is_cut_off(storage: httpx.Client, sandbox: RunningSandbox, monkeypatch) -> None:
    cut_off = threading.Event()
    lose = server.GatewayProtocol.connection_lost

    def connection_lost(protocol: server.GatewayProtocol, exc: Exception | None) -> None:
        lose(protocol, exc)
        cut_off.set()

    upload(storage, "big.mp4", b"x" * 20_000_000)
    monkeypatch.setattr(server, "SLOWEST_READER_S", 0.05)
    monkeypatch.setattr(server.GatewayProtocol, "connection_lost", connection_lost)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", sandbox.address.port))
        connection.sendall(b"GET /storage/v1/object/public/open/big.mp4 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert cut_off.wait(30)
        assert len(read_all(connection)) < 20_000_000
    assert get(f"{sandbox.root_url}/storage/v1/object/public/open/big.mp4").content == b"x" * 20_000_000


async def test_files_are_sent_piece_by_piece(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(os.urandom(10 * PIECE_BYTES + 7))
    sent: list[bytes] = []

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))

    part = range(5, 9 * PIECE_BYTES)
    await FilePart(path.open("rb"), part, 206, {}, "video/mp4")({"method": "GET"}, asyncio.sleep, send)
    assert max(map(len, sent)) == PIECE_BYTES
    assert b"".join(sent) == path.read_bytes()[5 : 9 * PIECE_BYTES]


def test_connections_beyond_the_bound_are_closed_at_once(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 3)
    with running_sandbox(tmp_path) as sandbox:
        idle = [socket.create_connection(("127.0.0.1", sandbox.address.port), timeout=30) for _ in range(3)]
        for one in idle:
            one.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert one.recv(65_536).startswith(b"HTTP/1.1 200 ")
        with connected(sandbox) as refused:
            assert read_all(refused) == b""
        idle.pop().close()
        while True:
            with connected(sandbox) as late:
                late.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if read_all(late).startswith(b"HTTP/1.1 200 "):
                    break
        for one in idle:
            one.close()


def test_a_log_is_bounded_and_private(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(foreground, "LARGEST_LOG_BYTES", 10_000)
    handler = foreground.PrivateLog(tmp_path / "sandbox.log", maxBytes=10_000, backupCount=1, encoding="utf-8")
    for number in range(3_000):
        handler.emit(handler_record(f"client {number}"))
    handler.close()
    files = list(tmp_path.iterdir())
    assert {path.name for path in files} == {"sandbox.log", "sandbox.log.1"}
    assert sum(path.stat().st_size for path in files) <= 20_000
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def handler_record(message: str) -> Any:
    return logging.LogRecord("x", logging.ERROR, __file__, 1, message, None, None)


def test_deep_json_is_refused_by_every_route(api, storage: httpx.Client, sandbox: RunningSandbox) -> None:
    json_type = {"content-type": "application/json"}
    asked = [
        *(api.post(path, content=DEEP, headers=json_type) for path in ("/videos/generations", "/nothing")),
        *(
            api.post(f"{sandbox.root_url}/sandbox/{path}", content=DEEP, headers=json_type)
            for path in ("recharge", "fx", "keys", "keys/revoke", "faults")
        ),
        *(storage.post(path, content=DEEP) for path in ("/bucket", "/object/list/open")),
        storage.request("DELETE", "/object/open", content=DEEP),
    ]
    upload(storage, "a.mp4", b"x")
    asked.append(storage.post("/object/sign/open/a.mp4", content=DEEP))
    assert [answer.status_code for answer in asked if answer.status_code not in (400, 404)] == []
    form = {"files": {"file": ("b", b"x", "video/mp4")}, "data": {"metadata": DEEP.decode()}}
    assert storage.post("/object/open/b.mp4", **form).status_code == 200
    assert storage.get("/object/info/open/b.mp4").json()["metadata"] == {}


def every_route(sandbox: RunningSandbox) -> list[str]:
    described = get(f"{sandbox.root_url}/openapi.json").json()["paths"]
    return [*described, "/openapi.json", "/nothing", "/storage/v1/bucket", "/storage/v1/object/info/open/a.mp4"]


def test_every_route_answers_at_this_machines_names_only(sandbox: RunningSandbox) -> None:
    offenders = []
    for path in every_route(sandbox):
        for host in FOREIGN_HOSTS:
            with connected(sandbox) as connection:
                request = f"GET {path.replace('{', '').replace('}', '')} HTTP/1.1\r\nHost: {host}\r\n"
                connection.sendall(f"{request}Authorization: Bearer {sandbox.api_key}\r\n\r\n".encode())
                connection.shutdown(socket.SHUT_WR)
                answer = read_all(connection)
            # h11 itself refuses what is no host at all: 400.
            if not answer.startswith(b"HTTP/1.1 400 ") and b"Host: this sandbox" not in answer:
                offenders.append((path, host, answer[:80]))
    assert offenders == []


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"])
def test_no_route_answers_a_page_of_another_origin(api, sandbox: RunningSandbox, origin: str) -> None:
    for path in every_route(sandbox):
        for method in ("GET", "POST", "OPTIONS", "DELETE"):
            answer = api.request(method, sandbox.root_url + path, headers={"Origin": origin})
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "permission_denied"), (method, path)
            assert not [name for name in answer.headers if name.startswith("access-control")]
    assert api.get("/credits", headers={"Origin": sandbox.root_url}).status_code == 200


def test_nothing_that_was_uploaded_is_run_or_guessed(storage: httpx.Client, sandbox: RunningSandbox) -> None:
    upload(storage, "page.html", b"<script>alert(1)</script>", "text/html")
    signed = storage.post("/object/sign/open/page.html", json={"expiresIn": 60}).json()["signedURL"]
    for path in ("/object/public/open/page.html", "/object/open/page.html", signed):
        answer = storage.get(path)
        assert answer.content == b"<script>alert(1)</script>"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    for path in every_route(sandbox):
        assert get(sandbox.root_url + path).headers["x-content-type-options"] == "nosniff"


def test_another_organisation_changes_neither_fx_nor_faults(api, sandbox: RunningSandbox) -> None:
    made = api.post(f"{sandbox.root_url}/sandbox/keys", json={"new_organisation": True}).json()
    with client_of(sandbox, made["api_key"]) as stranger:
        url = f"{sandbox.root_url}/sandbox"
        refused = [
            stranger.post(f"{url}/fx", json={"fx_mxn_per_usd": "1"}),
            stranger.post(f"{url}/faults", json={"fault": [{"kind": "stuck_job"}]}),
            stranger.delete(f"{url}/faults"),
        ]
        assert [answer.json()["error"]["code"] for answer in refused] == ["permission_denied"] * 3
        assert stranger.get(f"{url}/account").json()["fx_mxn_per_usd"] == "20.00"
    assert sandbox.faults() == []


@pytest.mark.parametrize(
    "odd",
    [
        {"file_size_limit": 2**70},
        {"file_size_limit": -1},
        {"file_size_limit": 1.5},
        {"file_size_limit": {}},
        {"allowed_mime_types": 7},
        {"allowed_mime_types": [1]},
        {"allowed_mime_types": "video/*"},
        {"allowed_mime_types": {"a": 1}},
        {"public": "yes"},
        {"name": ["x"]},
    ],
)
def test_an_odd_bucket_is_refused_and_the_others_are_listed(storage: httpx.Client, odd: dict[str, Any]) -> None:
    answer = storage.post("/bucket", json={"name": "odd"} | odd)
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidRequest")
    assert {bucket["name"] for bucket in storage.get("/bucket").json()} == {"open", "generated-videos"}


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)*b", "(.*)*(.*)*(.*)*x", "(a?){300}b"])
def test_no_expression_of_a_fault_script_hangs_the_gateway(submit, sandbox: RunningSandbox, pattern: str) -> None:
    sandbox.set_faults({"kind": "fail_job", "pattern": pattern})
    assert submit(prompt="a" * 3_999 + "!")["status"] == "processing"


def test_every_file_of_a_sandbox_is_its_owners_alone(tmp_path: Path, finish_all) -> None:
    before = os.umask(0)
    try:
        (tmp_path / "sandbox").mkdir(mode=0o777)
        with running_sandbox(tmp_path / "sandbox", plain_video=True) as sandbox:
            finish_all(sandbox, [{"prompt": "a fox"}])
            headers = {"authorization": f"Bearer {sandbox.storage.service_key}"}
            url = f"{sandbox.root_url}/storage/v1"
            httpx.post(f"{url}/bucket", json={"name": "b"}, headers=headers, verify=False).raise_for_status()
            form = {"file": ("x", b"x", "video/mp4")}
            httpx.post(f"{url}/object/b/a", files=form, headers=headers, verify=False).raise_for_status()
            modes = {path: path.stat().st_mode & 0o777 for path in sandbox.data_dir.rglob("*")}
            modes[sandbox.data_dir] = sandbox.data_dir.stat().st_mode & 0o777
    finally:
        os.umask(before)
    names = {path.name for path in modes}
    assert {"clips", "storage", "sandbox.sqlite3", "sandbox.sqlite3-wal", "connection.json", "sandbox.pid"} <= names
    assert {path: oct(mode) for path, mode in modes.items() if mode != (0o700 if path.is_dir() else 0o600)} == {}


@pytest.mark.e2e
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the environment of a process is in /proc")
def test_a_sandbox_in_the_background_runs_no_file_of_the_folder_and_gets_no_key(tmp_path: Path, monkeypatch) -> None:
    for name in ("uvicorn.py", "fastapi.py", "json.py"):
        (tmp_path / name).write_text("import pathlib; pathlib.Path('executed').touch()")
    monkeypatch.chdir(tmp_path)
    secrets = ("GEEKHUB_API_KEY", "SUPABASE_SERVICE_KEY", "PREFECT_API_AUTH_STRING", "AWS_SECRET_ACCESS_KEY")
    for name in secrets:
        monkeypatch.setenv(name, "a-secret-of-somebody")
    before = os.umask(0)
    try:
        address = start_sandbox(Path("sandbox"), plain_video=True)
        try:
            environment = Path(f"/proc/{address.pid}/environ").read_bytes()
            log = Path("sandbox/sandbox.log").stat().st_mode & 0o777
        finally:
            stop_sandbox(Path("sandbox"))
    finally:
        os.umask(before)
    assert b"a-secret-of-somebody" not in environment
    assert log == 0o600
    assert not (tmp_path / "executed").exists()


def test_a_body_over_http_1_0_without_a_host_is_refused(sandbox: RunningSandbox) -> None:
    with connected(sandbox) as connection:
        connection.sendall(b"GET /sandbox/account HTTP/1.0\r\n\r\n")
        answer = read_all(connection)
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "not_found"
