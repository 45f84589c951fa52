"""A child that meets hostile input ends within its limits, and the others go on."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from dailies.system import confined
from dailies.system.confined import Confined, ConfinedError, confine


def behave(how: str) -> Any:
    """What the children of these tests run."""
    match how:
        case "sleep":
            time.sleep(60)
        case "spin":
            while True:
                pass
        case "exit":
            os._exit(1)
        case "eat":
            return len(bytearray(confined.MEMORY_BYTES))
        case "environment":
            return dict(os.environ)
        case "raise":
            raise RuntimeError("odd")
        case "binary":
            os.write(1, b"\xff not JSON\n")
    return os.getpid()


@pytest.fixture
async def children() -> AsyncIterator[Confined]:
    async with confine(f"{__name__}:behave", 2, 1.0) as opened:
        yield opened


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("sleep", "within 1 s"),
        ("spin", "within 1 s|memory or time"),
        ("exit", "its reader ended"),
        ("eat", "too much memory"),
        ("raise", "RuntimeError: odd"),
        ("binary", "could not be read"),
    ],
)
async def test_a_child_that_fails_is_one_failure(children: Confined, how: str, reason: str) -> None:
    with pytest.raises(ConfinedError, match=reason):
        await children.call(how)
    assert isinstance(await children.call("fine"), int)


async def test_a_child_serves_many_calls_and_knows_no_secret(
    children: Confined, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEEKHUB_API_KEY", "secret")
    assert set(await children.call("environment")) <= {"PYTHONUTF8", "LC_CTYPE"}
    assert len(set(await asyncio.gather(*(children.call("fine") for _ in range(20))))) <= 2


async def test_children_end_with_the_block() -> None:
    async with confine(f"{__name__}:behave", 1, 5.0) as opened:
        child = await opened.call("fine")
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
