"""Runs a function on what others made in child processes with limits: of memory, of CPU time, of time.

A child answers in JSON: what comes out of a library that met hostile input is not unpickled here. It is given no
environment, so it knows no secret, and it ends when its parent does.
"""

import asyncio
import contextlib
import importlib
import json
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

MEMORY_BYTES = 2 * 1024**3
_ANSWER_BYTES = 16 * 1024**2


class ConfinedError(Exception):
    """A child could not finish: the message says why, for a person."""


class Confined:
    """Children that run one function, several calls at once.

    Args:
        function: ``package.module:name``; its arguments and results are JSON.
        children: how many there are at most.
        deadline_s: seconds for one call, of time and of CPU.
    """

    def __init__(self, function: str, children: int, deadline_s: float) -> None:
        self._function = function
        self._deadline_s = deadline_s
        self._slots = asyncio.Semaphore(children)
        self._idle: list[subprocess.Popen[bytes]] = []

    async def call(self, *arguments: Any) -> Any:
        """Run the function in a child.

        Raises:
            ConfinedError: it took too long, needed too much memory, or failed.
        """
        async with self._slots:
            child = self._idle.pop() if self._idle else await asyncio.to_thread(self._start)
            try:
                answer = await self._ask(child, arguments)
            except BaseException:
                await asyncio.to_thread(_end, child)
                raise
            self._idle.append(child)
        if "error" in answer:
            raise ConfinedError(str(answer["error"])[:300])
        return answer["result"]

    async def _ask(self, child: "subprocess.Popen[bytes]", arguments: Any) -> dict[str, Any]:
        asked = asyncio.create_task(asyncio.to_thread(_exchange, child, arguments))
        done, _ = await asyncio.wait({asked}, timeout=self._deadline_s)
        if not done:
            child.kill()  # the thread then reads the end of its output
            await asyncio.wait({asked})
            raise ConfinedError(f"it could not be read within {self._deadline_s:.0f} s")
        line = asked.result()
        try:
            answer = json.loads(line)
        except ValueError:
            raise ConfinedError("it could not be read: its reader ended, out of memory or time") from None
        return answer if isinstance(answer, dict) and answer.keys() & {"result", "error"} else {"error": "no answer"}

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-P", "-m", __name__, self._function, str(int(self._deadline_s) + 1)]
        child = subprocess.Popen(  # noqa: S603 - our own interpreter
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PYTHONUTF8": "1"},
            start_new_session=True,  # Ctrl-C is the parent's business
        )
        assert child.stdout is not None
        child.stdout.readline()  # it has started: that is no part of a call's time
        return child

    async def close(self) -> None:
        """End the children."""
        for child in self._idle:
            await asyncio.to_thread(_end, child)
        self._idle.clear()


@asynccontextmanager
async def confine(function: str, children: int, deadline_s: float) -> AsyncIterator[Confined]:
    """Open children for a function; they start when they are needed and end with the block."""
    confined = Confined(function, children, deadline_s)
    try:
        yield confined
    finally:
        await confined.close()


def _exchange(child: "subprocess.Popen[bytes]", arguments: Any) -> bytes:
    assert child.stdin is not None
    assert child.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        child.stdin.write(json.dumps(arguments).encode() + b"\n")
        child.stdin.flush()
    return child.stdout.readline(_ANSWER_BYTES)


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.kill()
    with child:  # closes its pipes and waits
        pass


def _main(function: str, cpu_s: str) -> None:
    """Serve calls until the parent closes the pipe."""
    module, _, name = function.partition(":")
    call: Callable[..., Any] = getattr(importlib.import_module(module), name)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = sys.stdout.buffer
    answers.write(b"ready\n")
    answers.flush()
    for line in sys.stdin.buffer:
        _limit_cpu(int(cpu_s))
        try:
            answer = {"result": call(*json.loads(line))}
        except MemoryError:
            answer = {"error": "it could not be read: too much memory would be needed"}
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this one input
            answer = {"error": f"it could not be read: {type(error).__name__}: {error}"}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def _limit_cpu(seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds, hard))


if __name__ == "__main__":
    _main(*sys.argv[1:])
