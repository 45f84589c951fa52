"""The storage that the contract suite speaks to: a fresh sandbox, or the Supabase project that the environment names.

``SUPABASE_TEST_URL`` and ``SUPABASE_TEST_KEY`` (the service key) point the suite at any project; with
``SUPABASE_TEST_ANON_KEY`` it also checks what the anon key may do. Each test makes buckets of its own and deletes them.
"""

import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from storage3 import AsyncStorageClient

from tests.gateway.storage.supabase_client import open_storage


@dataclass(frozen=True)
class Project:
    """A Supabase project, or the sandbox's imitation of one.

    ``wait`` lets seconds pass there; ``made`` are the buckets to delete.
    """

    url: str
    service_key: str
    anon_key: str | None
    is_real: bool
    wait: Callable[[float], None]
    made: list[str] = field(default_factory=list)

    def name(self, base: str) -> str:
        """Return a bucket's name that no other test uses; the bucket is deleted after the test."""
        self.made.append(f"{base}-{secrets.token_hex(4)}")
        return self.made[-1]

    def request(self, method: str, path: str, headers: dict[str, str] | None = None, **content: Any) -> httpx.Response:
        """Send a request without the client, with the service key unless other headers are given."""
        if headers is None:
            headers = {"authorization": f"Bearer {self.service_key}", "apikey": self.service_key}
        return httpx.request(method, f"{self.url}/storage/v1{path}", headers=headers, timeout=60, **content)


@pytest.fixture
async def project(request: pytest.FixtureRequest) -> AsyncIterator[Project]:
    url, key = os.environ.get("SUPABASE_TEST_URL"), os.environ.get("SUPABASE_TEST_KEY")
    if url and key:
        found = Project(url.rstrip("/"), key, os.environ.get("SUPABASE_TEST_ANON_KEY"), True, time.sleep)
    else:
        sandbox = request.getfixturevalue("sandbox")
        storage = sandbox.storage
        found = Project(storage.url, storage.service_key, storage.anon_key, False, sandbox.clock.advance)
    yield found
    for bucket in found.made if found.is_real else ():
        found.request("POST", f"/bucket/{bucket}/empty")
        found.request("DELETE", f"/bucket/{bucket}")


@pytest.fixture
async def storage(project: Project) -> AsyncIterator[AsyncStorageClient]:
    async with open_storage(project.url, project.service_key) as client:
        yield client


MakeBucket = Callable[..., Awaitable[Any]]


@pytest.fixture
def make_bucket(project: Project, storage: AsyncStorageClient) -> MakeBucket:
    """Make a bucket with some options and return the client's access to it."""

    async def make(**options: Any) -> Any:
        name = project.name("clips")
        await storage.create_bucket(name, options=options)  # type: ignore[arg-type]
        return storage.from_(name)

    return make


@pytest.fixture
async def bucket(make_bucket: MakeBucket) -> Any:
    """A public bucket."""
    return await make_bucket(public=True)
