"""The storage's refusals: HTTP 400 with the real code in the body, as the real one words them."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from storage3 import AsyncStorageClient
from storage3.exceptions import StorageApiError

from dailies.gateway.testing import RunningSandbox
from tests.gateway.storage.supabase_client import storage_client

VIDEO: Any = {"content-type": "video/mp4"}


@pytest.fixture
async def storage(sandbox: RunningSandbox) -> AsyncIterator[AsyncStorageClient]:
    async with storage_client(sandbox) as client:
        await client.create_bucket("open", options={"public": True})
        await client.create_bucket("private")
        await client.create_bucket("small", options={"file_size_limit": 1000})
        await client.create_bucket("films", options={"allowed_mime_types": ["video/*"]})
        await client.from_("open").upload("a.mp4", b"content", VIDEO)
        await client.from_("private").upload("a.mp4", b"content", VIDEO)
        yield client


@pytest.fixture
def raw(sandbox: RunningSandbox) -> Callable[..., httpx.Response]:
    """One request without the client, with the service key unless other headers are given."""

    def ask(method: str, path: str, headers: dict[str, str] | None = None, **content: Any) -> httpx.Response:
        if headers is None:
            headers = {"authorization": f"Bearer {sandbox.storage.service_key}"}
        url = f"{sandbox.root_url}/storage/v1{path}"
        return httpx.request(method, url, headers=headers, timeout=30, **content)

    return ask


CASES = [
    ("bucket exists", "create_bucket", ("open",), "409", "Duplicate", "The resource already exists"),
    ("bucket missing", "get_bucket", ("none",), "404", "Bucket not found", "Bucket not found"),
    ("bucket name", "create_bucket", ("a/b",), "400", "Invalid Input", "Bucket name invalid"),
]


@pytest.mark.parametrize(("call", "arguments", "status", "error", "message"), [case[1:] for case in CASES])
async def test_buckets_are_refused(
    storage: AsyncStorageClient, call: str, arguments: tuple[str, ...], status: str, error: str, message: str
) -> None:
    with pytest.raises(StorageApiError) as caught:
        await getattr(storage, call)(*arguments)
    assert (str(caught.value.status), caught.value.code, caught.value.message) == (status, error, message)


@pytest.mark.parametrize(
    ("bucket", "call", "arguments", "status", "error"),
    [
        ("open", "upload", ("a.mp4", b"x", VIDEO), "409", "Duplicate"),
        ("none", "upload", ("a.mp4", b"x", VIDEO), "404", "Bucket not found"),
        ("open", "info", ("b.mp4",), "404", "not_found"),
        ("open", "download", ("b.mp4",), "404", "not_found"),
        ("none", "download", ("b.mp4",), "404", "Bucket not found"),
        ("open", "create_signed_url", ("b.mp4", 60), "404", "not_found"),
        ("none", "list", ("",), "404", "Bucket not found"),
        ("open", "upload", ("ñ.mp4", b"x", VIDEO), "400", "InvalidKey"),
        ("open", "upload", ("a#b.mp4", b"x", VIDEO), "400", "InvalidKey"),
        ("open", "upload", ("a%25.mp4", b"x", VIDEO), "400", "InvalidKey"),
        ("open", "upload", ("a[1].mp4", b"x", VIDEO), "400", "InvalidKey"),
        ("small", "upload", ("a.mp4", b"x" * 1001, VIDEO), "413", "Payload too large"),
        ("films", "upload", ("a.txt", b"x", {"content-type": "text/html"}), "415", "invalid_mime_type"),
    ],
)
async def test_objects_are_refused(
    storage: AsyncStorageClient, bucket: str, call: str, arguments: tuple[Any, ...], status: str, error: str
) -> None:
    with pytest.raises(StorageApiError) as caught:
        await getattr(storage.from_(bucket), call)(*arguments)
    assert (str(caught.value.status), caught.value.code) == (status, error)


async def test_a_wrong_key_is_found_out_by_get_bucket_only(
    storage: AsyncStorageClient, sandbox: RunningSandbox
) -> None:
    """On a public bucket the real storage does not even look at the key."""
    async with storage_client(sandbox, sandbox.storage.service_key[:-4] + "AAAA") as stranger:
        files = stranger.from_("open")
        assert await files.exists("a.mp4")
        assert await files.download("a.mp4") == b"content"
        for call in (stranger.get_bucket("open"), stranger.from_("private").download("a.mp4"), files.list()):
            with pytest.raises(StorageApiError) as caught:
                await call
            facts = (str(caught.value.status), caught.value.code, caught.value.message)
            assert facts == ("403", "Unauthorized", "signature verification failed")


async def test_the_anon_key_reads_what_is_public_and_no_more(
    storage: AsyncStorageClient, sandbox: RunningSandbox
) -> None:
    async with storage_client(sandbox, sandbox.storage.anon_key) as anon:
        assert await anon.from_("open").download("a.mp4") == b"content"
        assert await anon.list_buckets() == []
        assert await anon.from_("open").list() == []
        assert await anon.from_("open").remove(["a.mp4"]) == []
        for call in (anon.from_("open").upload("b.mp4", b"x", VIDEO), anon.create_bucket("mine")):
            with pytest.raises(StorageApiError) as caught:
                await call
            assert caught.value.message == "new row violates row-level security policy"
        with pytest.raises(StorageApiError, match="Object not found"):
            await anon.from_("private").download("a.mp4")
    assert await storage.from_("open").exists("a.mp4")


@pytest.mark.usefixtures("storage")
@pytest.mark.parametrize("path", ["/bucket", "/object/open/a.mp4", "/object/info/private/a.mp4"])
def test_without_an_authorization_header_the_request_is_not_understood(raw: Any, path: str) -> None:
    answer = raw("GET", path, {})
    assert answer.status_code == 400
    assert answer.json() == {
        "statusCode": "400",
        "error": "Error",
        "message": "headers must have required property 'authorization'",
        "code": "InvalidRequest",
    }


@pytest.mark.usefixtures("storage")
@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [
        ("/object/none/a.mp4", None, "NoSuchBucket"),
        ("/object/open/a.mp4", {"authorization": "Bearer nonsense"}, "AccessDenied"),
        ("/object/open/a.mp4", {}, "InvalidRequest"),
    ],
)
def test_a_large_body_is_drained_before_an_early_refusal(
    raw: Any, path: str, headers: dict[str, str] | None, code: str
) -> None:
    """A client that still sends would otherwise see a broken connection in place of the refusal."""
    with_file = {"file": ("a.mp4", b"x" * 30_000_000, "video/mp4")}
    assert raw("POST", path, headers, files=with_file).json()["code"] == code


@pytest.mark.usefixtures("storage")
def test_more_than_any_object_may_have_is_refused_after_it_was_drained(raw: Any, sandbox: RunningSandbox) -> None:
    answer = raw("POST", "/object/open/b.mp4", files={"file": ("b.mp4", b"x" * 60_000_000, "video/mp4")})
    assert (answer.status_code, answer.json()["code"]) == (400, "EntityTooLarge")
    assert len(list((sandbox.data_dir / "storage").iterdir())) == 2


@pytest.mark.usefixtures("storage")
@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", "/object/open/b.mp4", {"files": {}, "data": {"cacheControl": "60"}}, "InvalidRequest"),
        ("POST", "/object/open/b.mp4", {"content": b"raw"}, "InvalidRequest"),
        ("POST", "/object/list/open", {"content": b"{"}, "InvalidRequest"),
        ("POST", "/object/list/open", {"json": {"sortBy": {"column": "size"}}}, "InvalidRequest"),
        ("DELETE", "/object/open", {"json": {}}, "InvalidRequest"),
        ("POST", "/object/sign/open/a.mp4", {"json": {"expiresIn": "soon"}}, "InvalidRequest"),
        ("POST", "/bucket", {"json": {}}, "InvalidRequest"),
        ("POST", "/object/open/x/%2e%2e/y.mp4", {"files": {"file": b"x"}}, "InvalidKey"),
    ],
)
def test_nonsense_is_refused_in_the_storages_own_form(
    raw: Any, method: str, path: str, body: dict[str, Any], code: str
) -> None:
    answer = raw(method, path, **body)
    assert answer.status_code == 400
    assert answer.json()["code"] == code
