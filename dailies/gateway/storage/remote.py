"""Keeps the finished videos in a real Supabase project, as GeekHub does, through Supabase's official client."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from dailies.gateway.storage.buckets import GENERATED

LOG = logging.getLogger(__name__)
_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class RemoteStore:
    """A Supabase project.

    Args:
        url: ``https://<project>.supabase.co``.
        service_key: may make the bucket and write into it.
    """

    url: str
    service_key: str = field(repr=False)

    async def keep(self, key: str, path: Path) -> bool:
        """Upload a video to the public bucket ``generated-videos`` and return whether everyone can open it there.

        If not, the log says why; the job is still processing and not charged, and the next poll tries again.
        """
        from storage3.exceptions import StorageApiError

        try:
            async with self._storage() as storage:
                await _require_public_bucket(storage)
                options: Any = {"content-type": "video/mp4", "upsert": "true"}
                await storage.from_(GENERATED).upload(key, path, options)
        except (StorageApiError, httpx.HTTPError, PermissionError) as error:
            LOG.warning("%s is not stored at %s: %s: %s", key, self.url, type(error).__name__, error)
            return False
        except (ValueError, KeyError, TypeError):  # what the client makes of a page that is no answer of a storage
            LOG.warning("%s is not stored: %s does not answer as Supabase Storage does", key, self.url)
            return False
        return True

    @asynccontextmanager
    async def _storage(self) -> AsyncIterator[Any]:
        from supabase import AsyncClientOptions, acreate_client  # importing it takes a second

        async with httpx.AsyncClient(timeout=_TIMEOUT_S) as http:
            options = AsyncClientOptions(httpx_client=http, auto_refresh_token=False, persist_session=False)
            yield (await acreate_client(self.url, self.service_key, options=options)).storage


async def _require_public_bucket(storage: Any) -> None:
    """Make the bucket if it is missing. Asked for each video: the bucket may be deleted or made private at any time.

    Raises:
        PermissionError: the bucket is private.
    """
    from storage3.exceptions import StorageApiError

    try:
        bucket = await storage.get_bucket(GENERATED)
    except StorageApiError as error:
        if str(error.status) != "404":
            raise
    else:
        if not bucket.public:
            raise PermissionError(f"the bucket {GENERATED} is private; make it public in Supabase's dashboard")
        return
    try:
        await storage.create_bucket(GENERATED, options={"public": True})
    except StorageApiError as error:
        if str(error.status) != "409":
            raise
