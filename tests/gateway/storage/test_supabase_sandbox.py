"""What only the sandbox's storage promises: its files, its keys, and the finished videos as objects."""

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from storage3 import AsyncStorageClient

from dailies.gateway.storage.address import read_storage_address
from dailies.gateway.testing import RunningSandbox, running_sandbox
from tests.gateway.storage.supabase_client import storage_client

CONTENT = b"0123456789" * 2000
VIDEO: Any = {"content-type": "video/mp4"}


def fetch(url: str, **options: Any) -> httpx.Response:
    """GET without any key."""
    return httpx.get(url, **options)


@pytest.fixture
async def storage(sandbox: RunningSandbox) -> AsyncIterator[AsyncStorageClient]:
    async with storage_client(sandbox) as client:
        await client.create_bucket("clips", options={"public": True})
        yield client


async def test_the_bucket_of_the_finished_videos_is_always_there(storage: AsyncStorageClient) -> None:
    assert {one.id for one in await storage.list_buckets()} == {"clips", "generated-videos"}


async def test_no_file_is_left_behind(storage: AsyncStorageClient, sandbox: RunningSandbox) -> None:
    """Neither by an upload that replaces, nor by a removal."""
    files = storage.from_("clips")
    await files.upload("a.mp4", CONTENT, VIDEO)
    await files.upload("a.mp4", CONTENT * 2, {**VIDEO, "upsert": "true"})
    assert len(list((sandbox.data_dir / "storage").iterdir())) == 1
    await files.remove(["a.mp4"])
    assert list((sandbox.data_dir / "storage").iterdir()) == []


async def test_etags_have_the_form_that_s3_gives_them(storage: AsyncStorageClient) -> None:
    files = storage.from_("clips")
    part = bytes(16 * 1024**2)
    digests = hashlib.md5(part).digest() + hashlib.md5(b"x").digest()
    for content, etag in (
        (CONTENT, hashlib.md5(CONTENT).hexdigest()),
        (part, hashlib.md5(part).hexdigest()),
        (part + b"x", f"{hashlib.md5(digests).hexdigest()}-2"),
        (b"", hashlib.md5(b"").hexdigest()),
    ):
        await files.upload("a.mp4", content, {**VIDEO, "upsert": "true"})
        assert (await files.info("a.mp4"))["etag"] == f'"{etag}"'


async def test_generated_videos_are_objects_of_their_bucket(
    storage: AsyncStorageClient, sandbox: RunningSandbox, submit: Any, finish: Any
) -> None:
    job = finish(submit()["id"])
    files = storage.from_("generated-videos")
    key = f"{sandbox.org_id}/{job['id']}/video.mp4"
    content = fetch(job["video_url"]).content
    assert await files.download(key) == content
    assert [row["name"] for row in await files.list(sandbox.org_id)] == [job["id"]]
    assert (await files.info(key))["id"] == job["id"]
    await files.remove([key])
    assert fetch(job["video_url"]).json()["code"] == "NoSuchKey"


async def test_everything_survives_a_restart(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "s") as first:
        async with storage_client(first) as storage:
            await storage.create_bucket("clips")
            await storage.from_("clips").upload("a.mp4", CONTENT, VIDEO)
        kept = read_storage_address(tmp_path / "s")
        assert kept == first.storage
        assert (tmp_path / "s/supabase.json").stat().st_mode & 0o777 == 0o600
    with running_sandbox(tmp_path / "s") as second:
        assert second.storage == kept
        async with storage_client(second) as storage:
            assert await storage.from_("clips").download("a.mp4") == CONTENT


def test_the_keys_are_shown_by_no_repr(sandbox: RunningSandbox) -> None:
    assert sandbox.storage.service_key not in repr(sandbox.storage)
    assert json.loads((sandbox.data_dir / "supabase.json").read_text())["service_key"] == sandbox.storage.service_key
