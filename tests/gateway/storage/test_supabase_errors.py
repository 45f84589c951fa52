"""Refusals of odd and large bodies, which depend on how the server reads: HTTP 400 with the real code in the body."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from storage3 import AsyncStorageClient

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
        ("POST", "/object/open/b.mp4", {"files": {"cacheControl": (None, "60")}}, "InvalidRequest"),
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
