"""The official Supabase client, speaking to a sandbox or to a real project."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from storage3 import AsyncStorageClient
from supabase import AsyncClientOptions, acreate_client

from dailies.gateway.testing import RunningSandbox


@asynccontextmanager
async def open_storage(url: str, key: str) -> AsyncIterator[AsyncStorageClient]:
    """Open the storage part of a client."""
    async with httpx.AsyncClient(timeout=60) as http:
        options = AsyncClientOptions(httpx_client=http, auto_refresh_token=False, persist_session=False)
        yield (await acreate_client(url, key, options=options)).storage


@asynccontextmanager
async def storage_client(running: RunningSandbox, key: str | None = None) -> AsyncIterator[AsyncStorageClient]:
    """Open the storage of a sandbox with a key, by default the service key."""
    async with open_storage(running.storage.url, key or running.storage.service_key) as storage:
        yield storage
