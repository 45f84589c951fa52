"""Keeping the finished videos in a real Supabase project, as GeekHub does, through Supabase's official client."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from dailies.gateway.storage.buckets import GENERATED

_TIMEOUT_S = 120.0


@dataclass(slots=True)
class RemoteStore:
    """A project of somebody's own.

    Args:
        url: ``https://<project>.supabase.co``.
        service_key: may make the bucket and write into it.
    """

    url: str
    service_key: str = field(repr=False)
    _has_bucket: bool = False

    async def keep(self, key: str, path: Path) -> bool:
        """Upload a video under a key of the public bucket ``generated-videos``, which is made if it is missing.

        Returns:
            Whether it is there. Where it is not, the log says why; the job is still processing, and the next poll tries
            again.
        """
        from storage3.exceptions import StorageApiError

        try:
            async with self._storage() as storage:
                await self._ensure_bucket(storage)
                options: Any = {"content-type": "video/mp4", "upsert": "true"}
                await storage.from_(GENERATED).upload(key, path, options)
        except (StorageApiError, httpx.HTTPError) as error:
            sys.stderr.write(f"{key} is not stored at {self.url}: {type(error).__name__}: {error}\n")
            return False
        return True

    @asynccontextmanager
    async def _storage(self) -> AsyncIterator[Any]:
        from supabase import AsyncClientOptions, acreate_client  # takes a while to import

        async with httpx.AsyncClient(timeout=_TIMEOUT_S) as http:
            options = AsyncClientOptions(httpx_client=http, auto_refresh_token=False, persist_session=False)
            yield (await acreate_client(self.url, self.service_key, options=options)).storage

    async def _ensure_bucket(self, storage: Any) -> None:
        from storage3.exceptions import StorageApiError

        if self._has_bucket:
            return
        try:
            await storage.create_bucket(GENERATED, options={"public": True})
        except StorageApiError as error:
            if str(error.status) != "409":
                raise
        self._has_bucket = True
