"""The calls of the official Supabase client, one by one, as the real storage answers them."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from storage3 import AsyncStorageClient
from storage3.exceptions import StorageApiError

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
        yield client


@pytest.fixture
async def bucket(storage: AsyncStorageClient) -> Any:
    await storage.create_bucket("clips", options={"public": True})
    return storage.from_("clips")


async def test_a_bucket_is_made_and_found(storage: AsyncStorageClient) -> None:
    assert await storage.create_bucket("clips", options={"public": True}) == {"name": "clips"}
    found = await storage.get_bucket("clips")
    assert (found.id, found.name, found.owner, found.public) == ("clips", "clips", "", True)
    assert (found.file_size_limit, found.allowed_mime_types) == (None, None)
    assert {one.id for one in await storage.list_buckets()} == {"clips", "generated-videos"}


async def test_an_upload_answers_key_and_id(bucket: Any, sandbox: RunningSandbox) -> None:
    answer = await bucket.upload("a/b.mp4", CONTENT, VIDEO)
    assert (answer.path, answer.full_path) == ("a/b.mp4", "clips/a/b.mp4")
    assert await bucket.download("a/b.mp4") == CONTENT


async def test_bytes_paths_and_open_files_can_be_uploaded(bucket: Any, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(CONTENT)
    await bucket.upload("path.mp4", path, VIDEO)
    with path.open("rb") as file:
        await bucket.upload("file.mp4", file, VIDEO)
    assert [await bucket.download(name) for name in ("path.mp4", "file.mp4")] == [CONTENT] * 2


async def test_info_tells_everything(bucket: Any) -> None:
    await bucket.upload("a.mp4", CONTENT, {**VIDEO, "metadata": {"take": "2"}, "cache-control": "60"})
    info = await bucket.info("a.mp4")
    assert set(info) == {
        *("id", "name", "version", "bucket_id", "size", "content_type", "cache_control", "etag", "metadata"),
        *("last_modified", "created_at"),
    }
    assert (info["name"], info["bucket_id"], info["size"]) == ("a.mp4", "clips", len(CONTENT))
    assert (info["content_type"], info["cache_control"]) == ("video/mp4", "max-age=60")
    assert info["etag"] == f'"{hashlib.md5(CONTENT).hexdigest()}"'
    assert info["metadata"] == {"take": "2"}


async def test_exists_says_yes_and_no(bucket: Any) -> None:
    await bucket.upload("a.mp4", CONTENT, VIDEO)
    assert await bucket.exists("a.mp4")
    assert not await bucket.exists("b.mp4")


async def test_without_a_content_type_the_clients_own_is_stored(bucket: Any) -> None:
    await bucket.upload("a.mp4", CONTENT)
    assert (await bucket.info("a.mp4"))["content_type"].startswith("text/plain")


async def test_upsert_replaces_and_keeps_the_id(bucket: Any) -> None:
    await bucket.upload("a.mp4", CONTENT, VIDEO)
    before = await bucket.info("a.mp4")
    with pytest.raises(StorageApiError, match="already exists"):
        await bucket.upload("a.mp4", b"new", VIDEO)
    await bucket.upload("a.mp4", b"new", {**VIDEO, "upsert": "true"})
    after = await bucket.info("a.mp4")
    assert await bucket.download("a.mp4") == b"new"
    assert (after["id"], after["size"]) == (before["id"], 3)
    assert after["version"] != before["version"]


async def test_a_listing_shows_one_level_folders_by_name_only(bucket: Any) -> None:
    for key in ("a/1.mp4", "a/2.mp4", "a/deep/3.mp4", "b.mp4", "a0.mp4"):
        await bucket.upload(key, CONTENT, VIDEO)
    top = await bucket.list()
    assert [row["name"] for row in top] == ["a", "a0.mp4", "b.mp4"]
    assert (top[0]["id"], top[0]["metadata"]) == (None, None)
    rows = await bucket.list("a")
    assert [row["name"] for row in rows] == ["1.mp4", "2.mp4", "deep"]
    assert set(rows[0]) == {"name", "id", "updated_at", "created_at", "last_accessed_at", "metadata"}
    facts = rows[0]["metadata"]
    assert (facts["size"], facts["contentLength"], facts["httpStatusCode"]) == (len(CONTENT), len(CONTENT), 200)
    assert (facts["mimetype"], facts["eTag"]) == ("video/mp4", f'"{hashlib.md5(CONTENT).hexdigest()}"')
    assert await bucket.list("nowhere") == []


async def test_a_listing_is_paged_and_sorted(bucket: Any) -> None:
    for number in range(5):
        await bucket.upload(f"{number}.mp4", b"x" * (number + 1), VIDEO)
    page = await bucket.list("", {"limit": 2, "offset": 1})
    assert [row["name"] for row in page] == ["1.mp4", "2.mp4"]
    latest = await bucket.list("", {"limit": 1, "sortBy": {"column": "name", "order": "desc"}})
    assert [row["name"] for row in latest] == ["4.mp4"]


async def test_removing_answers_the_deleted_rows(bucket: Any, sandbox: RunningSandbox) -> None:
    await bucket.upload("a.mp4", CONTENT, VIDEO)
    removed = await bucket.remove(["a.mp4", "never-there.mp4"])
    assert [row["name"] for row in removed] == ["a.mp4"]
    assert not await bucket.exists("a.mp4")
    assert list((sandbox.data_dir / "storage").iterdir()) == []


async def test_a_signed_url_opens_a_private_object_for_a_while(
    storage: AsyncStorageClient, sandbox: RunningSandbox
) -> None:
    await storage.create_bucket("private")
    files = storage.from_("private")
    await files.upload("a b.mp4", CONTENT, VIDEO)
    url = (await files.create_signed_url("a b.mp4", 60))["signedURL"]
    assert url.startswith(f"{sandbox.root_url}/storage/v1/object/sign/private/a%20b.mp4?token=")
    assert fetch(url).content == CONTENT
    assert fetch(f"{url}x").json()["error"] == "InvalidJWT"
    sandbox.clock.advance(61)
    assert fetch(url).json()["message"] == "jwt expired"


async def test_a_public_url_serves_ranges_and_etags(bucket: Any) -> None:
    await bucket.upload("a.mp4", CONTENT, VIDEO)
    url = await bucket.get_public_url("a.mp4")
    whole = fetch(url)
    assert whole.content == CONTENT
    assert whole.headers["cache-control"] == "max-age=3600"
    assert whole.headers["content-type"] == "video/mp4"
    assert fetch(url, headers={"range": "bytes=10-12"}).content == b"012"
    assert fetch(url, headers={"range": "bytes=99999-"}).status_code == 416
    assert fetch(url, headers={"if-none-match": whole.headers["etag"]}).status_code == 304


async def test_a_private_bucket_has_no_public_urls(storage: AsyncStorageClient) -> None:
    await storage.create_bucket("private")
    await storage.from_("private").upload("a.mp4", CONTENT, VIDEO)
    answer = fetch(await storage.from_("private").get_public_url("a.mp4"))
    assert (answer.status_code, answer.json()["code"]) == (400, "NoSuchBucket")


async def test_of_eight_uploads_of_one_name_exactly_one_succeeds(bucket: Any) -> None:
    uploads = [bucket.upload("a.mp4", CONTENT + bytes([n]), VIDEO) for n in range(8)]
    outcomes = await asyncio.gather(*uploads, return_exceptions=True)
    errors = [outcome for outcome in outcomes if isinstance(outcome, StorageApiError)]
    assert len(errors) == 7
    assert {(error.code, str(error.status)) for error in errors} == {("Duplicate", "409")}


async def test_with_upsert_all_eight_succeed(bucket: Any, sandbox: RunningSandbox) -> None:
    options = {**VIDEO, "upsert": "true"}
    await asyncio.gather(*(bucket.upload("a.mp4", CONTENT + bytes([n]), options) for n in range(8)))
    assert len(list((sandbox.data_dir / "storage").iterdir())) == 1


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
