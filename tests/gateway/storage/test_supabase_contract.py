"""The calls that the mirror and the clients' video path make, as the real storage answers them.

The suite passes against the sandbox and against any Supabase project: `SUPABASE_TEST_URL=... SUPABASE_TEST_KEY=...
pytest tests/gateway/storage/test_supabase_contract.py`.
"""

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from storage3 import AsyncStorageClient
from storage3.exceptions import StorageApiError

from tests.gateway.storage.conftest import MakeBucket, Project
from tests.gateway.storage.supabase_client import open_storage

CONTENT = b"0123456789" * 2000
VIDEO: Any = {"content-type": "video/mp4"}
UPSERT: Any = {**VIDEO, "upsert": "true"}
WRONG = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.AAAA"
LARGE_BYTES = 17 * 1024**2


def fetch(url: str, **options: Any) -> httpx.Response:
    """GET without any key."""
    return httpx.get(url, timeout=60, **options)


async def refused(call: Any) -> tuple[str, str]:
    """Return status and error of a call that must be refused."""
    with pytest.raises(StorageApiError) as caught:
        await call
    return str(caught.value.status), str(caught.value.code)


async def test_a_bucket_is_made_and_found(storage: AsyncStorageClient, project: Project) -> None:
    name = project.name("clips")
    assert await storage.create_bucket(name, options={"public": True}) == {"name": name}
    found = await storage.get_bucket(name)
    assert (found.id, found.name, found.public) == (name, name, True)
    assert (found.file_size_limit, found.allowed_mime_types) == (None, None)
    assert name in {one.id for one in await storage.list_buckets()}
    assert await refused(storage.create_bucket(name)) == ("409", "Duplicate")
    assert await refused(storage.get_bucket("never-made")) == ("404", "Bucket not found")
    assert (await refused(storage.create_bucket("a/b")))[0] == "400"


@pytest.mark.parametrize(("text", "size"), [("20MB", 20_000_000), ("1.5kb", 1_500), ("300", 300)])
async def test_limits_may_be_texts_with_decimal_units(
    storage: AsyncStorageClient, project: Project, text: str, size: int
) -> None:
    name = project.name("small")
    assert project.request("POST", "/bucket", json={"name": name, "file_size_limit": text}).status_code == 200
    assert (await storage.get_bucket(name)).file_size_limit == size


def test_odd_limits_are_refused(project: Project) -> None:
    for limit, status in (("20 MB", "400"), ("100GB", "413"), (10**12, "413")):
        answer = project.request("POST", "/bucket", json={"name": project.name("odd"), "file_size_limit": limit})
        assert (answer.status_code, answer.json()["statusCode"]) == (400, status)


async def test_an_upload_answers_its_key(bucket: Any) -> None:
    answer = await bucket.upload("a/b.mp4", CONTENT, VIDEO)
    assert (answer.path, answer.full_path) == ("a/b.mp4", f"{bucket.id}/a/b.mp4")
    assert await bucket.download("a/b.mp4") == CONTENT


async def test_paths_open_files_and_raw_bodies_can_be_uploaded(bucket: Any, project: Project, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(CONTENT)
    await bucket.upload("path.mp4", path, VIDEO)
    with path.open("rb") as file:
        await bucket.upload("file.mp4", file, VIDEO)
    key = {"authorization": f"Bearer {project.service_key}", "content-type": "video/mp4"}
    assert project.request("POST", f"/object/{bucket.id}/raw.mp4", key, content=CONTENT).status_code == 200
    for name in ("path.mp4", "file.mp4", "raw.mp4"):
        assert await bucket.download(name) == CONTENT
        assert (await bucket.info(name))["content_type"] == "video/mp4"


async def test_info_holds_size_etag_and_own_metadata(bucket: Any) -> None:
    await bucket.upload("a.mp4", CONTENT, {**VIDEO, "metadata": {"sha256": "ab"}, "cache-control": "60"})
    info = await bucket.info("a.mp4")
    assert set(info) >= {"id", "name", "version", "bucket_id", "size", "content_type", "etag", "metadata"}
    assert (info["name"], info["bucket_id"], info["size"]) == ("a.mp4", bucket.id, len(CONTENT))
    assert (info["content_type"], info["cache_control"]) == ("video/mp4", "max-age=60")
    assert info["metadata"] == {"sha256": "ab"}
    assert info["etag"]
    assert await bucket.exists("a.mp4")
    assert not await bucket.exists("b.mp4")


async def test_a_large_object_is_stored_whole_whatever_its_etag(bucket: Any) -> None:
    """Above the size of a part the ETag is no MD5, unless the project keeps objects in files."""
    content = hashlib.sha256(b"seed").digest() * (LARGE_BYTES // 32)
    await bucket.upload("a.mp4", content, VIDEO)
    info = await bucket.info("a.mp4")
    assert info["size"] == len(content)
    assert info["etag"].strip('"') == hashlib.md5(content).hexdigest() or re.search(r"-\d+\b", info["etag"])
    assert await bucket.download("a.mp4") == content


async def test_without_a_content_type_the_clients_own_is_stored(bucket: Any) -> None:
    await bucket.upload("a.mp4", CONTENT)
    assert (await bucket.info("a.mp4"))["content_type"].startswith("text/plain")


async def test_upsert_replaces_and_keeps_the_id(bucket: Any) -> None:
    await bucket.upload("a.mp4", CONTENT, VIDEO)
    before = await bucket.info("a.mp4")
    assert await refused(bucket.upload("a.mp4", b"new", VIDEO)) == ("409", "Duplicate")
    await bucket.upload("a.mp4", b"new", UPSERT)
    after = await bucket.info("a.mp4")
    assert await bucket.download("a.mp4") == b"new"
    assert (after["id"], after["size"]) == (before["id"], 3)
    assert after["version"] != before["version"]


async def test_of_uploads_of_one_name_at_once_the_last_one_stays(bucket: Any) -> None:
    """The server checks first and stores later: several or all report success, the others a duplicate."""
    contents = [CONTENT + bytes([n]) for n in range(8)]
    outcomes = await asyncio.gather(
        *(bucket.upload("a.mp4", content, VIDEO) for content in contents), return_exceptions=True
    )
    stored = [
        content for content, outcome in zip(contents, outcomes, strict=True) if not isinstance(outcome, Exception)
    ]
    errors = [outcome for outcome in outcomes if isinstance(outcome, StorageApiError)]
    assert len(stored) + len(errors) == 8
    assert {str(error.status) for error in errors} <= {"409"}
    assert await bucket.download("a.mp4") in stored
    await asyncio.gather(*(bucket.upload("a.mp4", content, UPSERT) for content in contents))
    assert await bucket.download("a.mp4") in contents


async def test_a_listing_shows_one_level_folders_by_name_only(bucket: Any) -> None:
    for key in ("a/1.mp4", "a/2.mp4", "a/deep/3.mp4", "b.mp4", "a0.mp4"):
        await bucket.upload(key, CONTENT, VIDEO)
    top = await bucket.list()
    assert [row["name"] for row in top] == ["a", "a0.mp4", "b.mp4"]
    assert (top[0]["id"], top[0]["metadata"]) == (None, None)
    rows = await bucket.list("a")
    assert [row["name"] for row in rows] == ["1.mp4", "2.mp4", "deep"]
    facts = rows[0]["metadata"]
    assert (facts["size"], facts["contentLength"], facts["mimetype"]) == (len(CONTENT), len(CONTENT), "video/mp4")
    assert facts["eTag"] == (await bucket.info("a/1.mp4"))["etag"]
    assert await bucket.list("nowhere") == []


async def test_a_listing_ignores_case(bucket: Any) -> None:
    for key in ("Upper/a.mp4", "upper/b.mp4", "C.mp4", "b.mp4"):
        await bucket.upload(key, CONTENT, VIDEO)
    for folder in ("upper", "Upper", "UPPER", "upper/"):
        assert [row["name"] for row in await bucket.list(folder)] == ["a.mp4", "b.mp4"]
    assert await bucket.list("/upper") == []
    assert [row["name"] for row in await bucket.list() if row["id"]] == ["b.mp4", "C.mp4"]


async def test_a_listing_is_paged_and_sorted(bucket: Any) -> None:
    for number in range(5):
        await bucket.upload(f"{number}.mp4", b"x" * (number + 1), VIDEO)
    page = await bucket.list("", {"limit": 2, "offset": 1})
    assert [row["name"] for row in page] == ["1.mp4", "2.mp4"]
    latest = await bucket.list("", {"limit": 1, "sortBy": {"column": "name", "order": "desc"}})
    assert [row["name"] for row in latest] == ["4.mp4"]


async def test_what_is_missing_in_a_listing_or_removal_is_empty(storage: AsyncStorageClient, bucket: Any) -> None:
    await bucket.upload("a.mp4", CONTENT, VIDEO)
    removed = await bucket.remove(["a.mp4", "never-there.mp4"])
    assert [row["name"] for row in removed] == ["a.mp4"]
    assert not await bucket.exists("a.mp4")
    nowhere = storage.from_("never-made")
    assert (await nowhere.list(), await nowhere.remove(["a.mp4"])) == ([], [])


async def test_a_signed_url_opens_a_private_object(make_bucket: MakeBucket, project: Project) -> None:
    files = await make_bucket()
    await files.upload("a b.mp4", CONTENT, VIDEO)
    url = (await files.create_signed_url("a b.mp4", 60))["signedURL"]
    assert url.startswith(f"{project.url}/storage/v1/object/sign/{files.id}/a%20b.mp4?token=")
    assert fetch(url).content == CONTENT
    assert fetch(f"{url}x").json()["error"] == "InvalidJWT"
    assert await refused(files.create_signed_url("b.mp4", 60)) == ("404", "not_found")


async def test_a_signed_url_ends(make_bucket: MakeBucket, project: Project) -> None:
    files = await make_bucket()
    await files.upload("a.mp4", CONTENT, VIDEO)
    url = (await files.create_signed_url("a.mp4", 2))["signedURL"]
    assert fetch(url).content == CONTENT
    project.wait(3)
    answer = fetch(url)
    assert (answer.status_code, answer.json()["message"]) == (400, '"exp" claim timestamp check failed')


async def test_a_public_url_serves_ranges_and_etags(bucket: Any) -> None:
    await bucket.upload("a.mp4", CONTENT, VIDEO)
    url = await bucket.get_public_url("a.mp4")
    whole = fetch(url)
    assert whole.content == CONTENT
    assert (whole.headers["content-type"], whole.headers["accept-ranges"]) == ("video/mp4", "bytes")
    assert fetch(url, headers={"range": "bytes=10-12"}).content == b"012"
    assert fetch(url, headers={"range": "bytes=99999-"}).status_code == 416
    assert fetch(url, headers={"if-none-match": whole.headers["etag"]}).status_code == 304
    assert fetch(url, headers={"if-none-match": "*"}).status_code == 200
    assert fetch(url, headers={"if-modified-since": whole.headers["last-modified"]}).status_code == 304
    assert fetch(url, headers={"range": "bytes=0-1", "if-range": '"other"'}).content == b"01"
    assert "content-disposition" in fetch(f"{url}?download=").headers


async def test_a_private_bucket_has_no_public_urls(make_bucket: MakeBucket) -> None:
    files = await make_bucket()
    await files.upload("a.mp4", CONTENT, VIDEO)
    answer = fetch(await files.get_public_url("a.mp4"))
    assert (answer.status_code, answer.json()["error"]) == (400, "Bucket not found")


async def test_objects_are_refused(storage: AsyncStorageClient, bucket: Any, make_bucket: MakeBucket) -> None:
    nowhere = storage.from_("never-made")
    assert await refused(nowhere.upload("a.mp4", b"x", VIDEO)) == ("404", "Bucket not found")
    assert await refused(bucket.info("b.mp4")) == ("404", "not_found")
    assert await refused(bucket.download("b.mp4")) == ("404", "not_found")
    assert await refused(nowhere.download("b.mp4")) == ("404", "Bucket not found")
    for odd in ("ñ.mp4", "a#b.mp4", "a%25.mp4", "a[1].mp4"):
        assert await refused(bucket.upload(odd, b"x", VIDEO)) == ("400", "InvalidKey")
    small, films = await make_bucket(file_size_limit=1000), await make_bucket(allowed_mime_types=["video/*"])
    assert await refused(small.upload("a.mp4", b"x" * 1001, VIDEO)) == ("413", "Payload too large")
    html: Any = {"content-type": "text/html"}
    assert await refused(films.upload("a.txt", b"x", html)) == ("415", "invalid_mime_type")
    anything = await make_bucket(allowed_mime_types=[])
    assert (await anything.upload("a.txt", b"x", html)).path == "a.txt"


async def test_a_wrong_key_reads_what_is_public_and_finds_nothing_else(
    bucket: Any, make_bucket: MakeBucket, project: Project
) -> None:
    """Only `get_bucket` says that the key is wrong: the mirror asks it first."""
    private = await make_bucket()
    for files in (bucket, private):
        await files.upload("a.mp4", CONTENT, VIDEO)
    async with open_storage(project.url, WRONG) as stranger:
        assert await stranger.from_(bucket.id).exists("a.mp4")
        assert await stranger.from_(bucket.id).download("a.mp4") == CONTENT
        assert await refused(stranger.get_bucket(bucket.id)) == ("403", "Unauthorized")
        assert await refused(stranger.from_(private.id).download("a.mp4")) == ("404", "Bucket not found")


async def test_without_a_key_only_what_is_public_is_read(
    bucket: Any, make_bucket: MakeBucket, project: Project
) -> None:
    private = await make_bucket()
    for files in (bucket, private):
        await files.upload("a.mp4", CONTENT, VIDEO)
    assert project.request("GET", f"/object/{bucket.id}/a.mp4", {}).content == CONTENT
    assert project.request("GET", f"/object/info/{bucket.id}/a.mp4", {}).json()["size"] == len(CONTENT)
    for path in ("/bucket", f"/object/{private.id}/a.mp4"):
        answer = project.request("GET", path, {})
        assert (answer.status_code, answer.json()["code"]) == (400, "InvalidRequest")
    bare = {"authorization": project.service_key}
    assert project.request("GET", f"/object/{private.id}/a.mp4", bare).content == CONTENT


async def test_the_anon_key_reads_what_is_public_and_no_more(
    bucket: Any, make_bucket: MakeBucket, project: Project
) -> None:
    if project.anon_key is None:
        pytest.skip("SUPABASE_TEST_ANON_KEY is not set")
    private = await make_bucket()
    for files in (bucket, private):
        await files.upload("a.mp4", CONTENT, VIDEO)
    async with open_storage(project.url, project.anon_key) as anon:
        files = anon.from_(bucket.id)
        assert await files.download("a.mp4") == CONTENT
        assert (await anon.list_buckets(), await files.list(), await files.remove(["a.mp4"])) == ([], [], [])
        assert await refused(files.upload("b.mp4", b"x", VIDEO)) == ("403", "Unauthorized")
        assert (await refused(anon.from_(private.id).download("a.mp4")))[0] == "404"
    assert await bucket.exists("a.mp4")


@pytest.mark.parametrize(
    "body", [{}, {"prefix": "", "limit": 0}, {"prefix": "", "limit": -1}, {"prefix": "", "limit": "x"}]
)
async def test_odd_listings_are_refused(bucket: Any, project: Project, body: dict[str, Any]) -> None:
    answer = project.request("POST", f"/object/list/{bucket.id}", json=body)
    assert answer.status_code == 400


async def test_a_removal_of_nothing_is_refused(bucket: Any, project: Project) -> None:
    assert project.request("DELETE", f"/object/{bucket.id}", json={"prefixes": []}).status_code == 400
