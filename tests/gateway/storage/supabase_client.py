"""The official Supabase client, speaking to a sandbox."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from storage3 import AsyncStorageClient
from supabase import AsyncClientOptions, acreate_client

from dailies.gateway.testing import RunningSandbox


@asynccontextmanager
async def storage_client(running: RunningSandbox, key: str | None = None) -> AsyncIterator[AsyncStorageClient]:
    """The storage part of a client with a key, by default the service key."""
    async with httpx.AsyncClient(timeout=30) as http:
        options = AsyncClientOptions(httpx_client=http, auto_refresh_token=False, persist_session=False)
        client = await acreate_client(running.storage.url, key or running.storage.service_key, options=options)
        yield client.storage
