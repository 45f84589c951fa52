"""Raw sockets: broken HTTP, odd heads, false lengths, foreign hosts. Every connection ends; the sandbox goes on."""

import random
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx

from dailies.gateway import request_body
from dailies.gateway.hosting import server
from dailies.gateway.testing import RunningSandbox, running_sandbox

CASES = 1_500
METHODS = ("GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PRI", "get", "G\0T", "")
TARGETS = (
    *("/", "/healthz", "/v1/models", "/v1/videos/generations", "/sandbox/account", "/storage/v1/object/list/x", "*"),
    *("/storage/v1/object/a/b", "//", "/%00", "/..%2f..%2fetc", "http://evil.example/", "/" + "a" * 9_000, "/\xff", ""),
)
HEADERS = (
    *("Content-Length: 5", "Content-Length: -1", "Content-Length: 99999999999999999999", "Content-Length: 5, 5"),
    *("Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: \x0bchunked"),
    *(
        "Connection: close",
        "Connection: upgrade\r\nUpgrade: websocket",
        "Expect: 100-continue",
        "X: a\r\n b",
        "X",
        ": x",
    ),
    *("Content-Type: multipart/form-data; boundary=x", "Content-Type: application/json", "Range: bytes=0-", "X: \0"),
    *("Host: evil.example", "Host: a{b.evil.example", "Origin: http://evil.example", "X: " + "x" * 40_000),
)
BODIES = (
    b"",
    b"hello",
    b"{}",
    b"[" * 5_000,
    b"5\r\nhello\r\n0\r\n\r\n",
    b"ffffffffffffffff\r\nx",
    b"GET / HTTP/1.1\r\n\r\n",
)
PRIVATE = b"a prompt that only its owner may read"


def cases(chance: random.Random) -> Iterator[str | None]:
    """Send bytes to a sandbox whose deadlines are short, one connection for each case."""
    deadlines = (server, "SLOWEST_HEAD_S"), (request_body, "SLOWEST_BODY_S")
    before = [getattr(module, name) for module, name in deadlines]
    for module, name in deadlines:
        setattr(module, name, 0.05)
    try:
        with tempfile.TemporaryDirectory() as folder, running_sandbox(Path(folder)) as sandbox:
            _submit(sandbox)
            with httpx.Client(base_url=sandbox.root_url, trust_env=False) as api:
                for _ in range(CASES):
                    yield _case(api, sandbox.address.port, _bytes(chance, sandbox.address.port))
    finally:
        for (module, name), value in zip(deadlines, before, strict=True):
            setattr(module, name, value)


def _submit(sandbox: RunningSandbox) -> None:
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    body = {"model": "fal/kling-2", "prompt": PRIVATE.decode()}
    httpx.post(f"{sandbox.base_url}/videos/generations", json=body, headers=headers).raise_for_status()


def _bytes(chance: random.Random, port: int) -> bytes:
    if chance.random() < 0.1:
        return chance.randbytes(chance.randrange(1, 3_000))
    lines = [
        f"{chance.choice(METHODS)} {chance.choice(TARGETS)} HTTP/{chance.choice(('1.1', '1.1', '1.0', '2.0', 'x'))}"
    ]
    if chance.random() < 0.8:
        lines.append(f"Host: 127.0.0.1:{port}")
    lines += chance.sample(HEADERS, chance.randrange(4))
    sent = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + chance.choice(BODIES)
    if chance.random() < 0.2:  # a few bytes of it are others
        sent = bytearray(sent)
        for _ in range(chance.randrange(1, 5)):
            sent[chance.randrange(len(sent))] = chance.randrange(256)
    return bytes(sent)


def _case(api: httpx.Client, port: int, sent: bytes) -> str | None:
    answer = b""
    try:
        with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65_536):
                answer += part
    except TimeoutError:
        return f"the connection stays open after {sent[:200]!r}"
    except ConnectionError:
        pass  # it may end in the middle of what we send
    foreign = b"evil.example" in sent.partition(b"\r\n\r\n")[0]
    if answer.startswith(b"HTTP/1.1 5"):
        return f"{answer[:80]!r} to {sent[:200]!r}"
    if foreign and PRIVATE in answer:
        return f"the page was shown to {sent[:200]!r}"
    if api.get("/healthz").status_code != 200:
        return f"the sandbox does not answer after {sent[:200]!r}"
    return None
