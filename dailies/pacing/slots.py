"""Slots: the number of jobs that may render at the same time, of the account, of a provider, of a model."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping

from dailies.catalogue import provider_of

_HELD_UP_AT_MOST = 2000  # rows that wait at a narrow cap while later rows pass them


class _Cap:
    """One cap, and the number of rows that wait for it."""

    def __init__(self, jobs: int) -> None:
        self.places = asyncio.Semaphore(jobs)
        self.waiting = 0

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        self.waiting += 1
        try:
            await self.places.acquire()
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            self.places.release()


class Slots:
    """A place for each job that may render at the same time; a free place goes to the row that has waited longest.

    Args:
        jobs: the cap of the whole account.
        caps: narrower caps, by provider (``fal``) or model (``fal/kling-2``).
    """

    def __init__(self, jobs: int, caps: Mapping[str, int] | None = None) -> None:
        self._account = _Cap(jobs)
        self._narrow = {name: _Cap(limit) for name, limit in (caps or {}).items()}
        self._held_up = 0

    @contextlib.asynccontextmanager
    async def taken(self, model_id: str, held_up: Callable[[], None] = lambda: None) -> AsyncIterator[None]:
        """Wait for a place of that model and hold it.

        Call ``held_up`` if the model or its provider has no free place although the account may have one: then rows of
        other models need not wait.
        """
        narrow = self._caps_of(model_id)
        is_held_up = any(cap.places.locked() for cap in narrow) and self._held_up < _HELD_UP_AT_MOST
        self._held_up += is_held_up
        async with contextlib.AsyncExitStack() as places:
            try:
                if is_held_up:
                    held_up()
                for cap in narrow:
                    await places.enter_async_context(cap.place())
            finally:
                self._held_up -= is_held_up
            await places.enter_async_context(self._account.place())
            yield

    def are_wanted(self, model_id: str) -> bool:
        """Return whether rows wait for a place that a job of this model holds."""
        return any(cap.waiting for cap in (self._account, *self._caps_of(model_id)))

    def _caps_of(self, model_id: str) -> list[_Cap]:
        """Return the narrowest cap first, so that no row holds a wider place while it waits for a narrower one."""
        names = (model_id, provider_of(model_id))
        return [self._narrow[name] for name in names if name in self._narrow]
