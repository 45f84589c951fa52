"""B9: polls per second of a sandbox with 10,000 open jobs."""

import asyncio
import time

from tools.bench.measure import Result, median, spread
from tools.bench.servers import SandboxProcess, running_sandbox_process

_CONNECTIONS = 16


def run(*, quick: bool) -> Result:
    """Submit the jobs, then poll them all in turn over a few plain connections."""
    jobs, seconds, repeats = (500, 2.0, 1) if quick else (10_000, 10.0, 5)
    result = Result(
        "B9",
        "The sandbox",
        f"{jobs:,} open jobs that are not nearly finished. {_CONNECTIONS} keep-alive connections poll them in turn for"
        f" {seconds:.0f} s, with a minimal client on the same machine.",
        ["what", "per second"],
        repeats=repeats,
    )
    with running_sandbox_process(0.001) as sandbox:
        ids, submits_per_s = asyncio.run(_submit(sandbox, jobs))
        rates = [asyncio.run(_poll(sandbox, ids, seconds)) for _ in range(repeats)]
    result.rows += [["submits", spread([submits_per_s])], ["polls", spread(rates)]]
    result.goal("polls a second", median(rates), 500.0, at_least=True, form="{:,.0f}")
    return result


class _Line:
    """One connection with the minimum of HTTP."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str) -> None:
        self._reader = reader
        self._writer = writer
        self._key = key

    @classmethod
    async def open(cls, sandbox: SandboxProcess) -> "_Line":
        host, _, port = sandbox.address.root_url.removeprefix("http://").partition(":")
        return cls(*await asyncio.open_connection(host, int(port)), sandbox.address.api_key)

    async def ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {self._key}\r\n"
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200"), answer
        length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return await self._reader.readexactly(length)


async def _submit(sandbox: SandboxProcess, jobs: int) -> tuple[list[str], float]:
    ids: list[str] = []

    async def work(first: int) -> None:
        line = await _Line.open(sandbox)
        for number in range(first, jobs, _CONNECTIONS):
            body = b'{"model": "fal/kling-2", "prompt": "shot number %d"}' % number
            answer = await line.ask("POST", "/v1/videos/generations", body)
            ids.append(answer.partition(b'"id":')[2].split(b'"')[1].decode())

    began = time.perf_counter()
    await asyncio.gather(*(work(first) for first in range(_CONNECTIONS)))
    return ids, jobs / (time.perf_counter() - began)


async def _poll(sandbox: SandboxProcess, ids: list[str], seconds: float) -> float:
    polls = 0
    end_at = time.perf_counter() + seconds

    async def work(first: int) -> None:
        nonlocal polls
        line = await _Line.open(sandbox)
        number = first
        while time.perf_counter() < end_at:
            await line.ask("GET", f"/v1/videos/{ids[number % len(ids)]}")
            number += _CONNECTIONS
            polls += 1

    await asyncio.gather(*(work(first) for first in range(_CONNECTIONS)))
    return polls / seconds
