"""Patience with Supabase: its client tries once, and lets connection errors through as they are."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx
import stamina
from storage3.exceptions import StorageApiError

from dailies.errors import MirrorError, TransportError

T = TypeVar("T")
TRIES = 4


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Call, and again where nothing or a server's mistake came back.

    Raises:
        StorageApiError: a clear refusal.
        MirrorError: no clear answer in four tries.
    """
    try:
        async for attempt in stamina.retry_context(
            on=TransportError, attempts=TRIES, timeout=None, wait_initial=0.2, wait_max=5
        ):
            with attempt:
                return await _once(call)
    except TransportError as error:
        raise MirrorError(f"Supabase cannot be used: {error}") from None
    raise AssertionError("stamina returns or raises")


async def _once(call: Callable[[], Awaitable[T]]) -> T:
    try:
        return await call()
    except httpx.HTTPError as error:
        raise TransportError(f"no answer ({type(error).__name__})", code="no_answer") from None
    except StorageApiError as error:
        status = str(error.status)
        if status == "429" or status.startswith("5"):
            raise TransportError(f"HTTP {status}: {error.message}", code=f"http_{status}") from None
        raise
