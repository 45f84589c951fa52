"""The public video URLs answer as Supabase Storage does."""

import hashlib
from email.utils import parsedate_to_datetime

import pytest

from dailies.gateway.storage.serving import find_range
from dailies.gateway.testing import RunningSandbox
from tests.gateway.sandbox_client import get, head


@pytest.fixture
def url(submit, finish) -> str:
    return finish(submit()["id"])["video_url"]


@pytest.fixture
def content(url) -> bytes:
    return get(url).content


def test_get_needs_no_key_and_tells_all_headers(url):
    answer = get(url)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["etag"] == f'"{hashlib.md5(answer.content).hexdigest()}"'
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["cache-control"] == "max-age=3600"
    assert answer.headers["accept-ranges"] == "bytes"
    assert parsedate_to_datetime(answer.headers["last-modified"])


def test_head_is_get_without_the_body(url):
    got, headed = get(url), head(url)
    assert headed.status_code == 200
    assert headed.content == b""
    for name in ("content-type", "content-length", "etag", "last-modified", "accept-ranges", "cache-control"):
        assert headed.headers[name] == got.headers[name]


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=10-19", slice(10, 20)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=5-99999999", slice(5, None)),
        ("bytes=-99999999", slice(None)),
    ],
)
def test_one_range_is_partial_content(url, content, wanted, part):
    answer = get(url, headers={"Range": wanted})
    assert answer.status_code == 206
    assert answer.content == content[part]
    start, end, _ = part.indices(len(content))
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(content)}"


@pytest.mark.parametrize(
    "wanted", ["bytes=0-1,4-5", "bytes=5-4", "bytes=99999999-", "bytes=-0", "bytes=-", "lines=0-1", "bytes=a-b"]
)
def test_bad_or_multiple_range_is_416(url, content, wanted):
    answer = get(url, headers={"Range": wanted})
    assert answer.status_code == 416
    assert answer.json()["statusCode"] == "416"


def test_empty_content_has_no_range():
    assert find_range("bytes=0-", 0) is None


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}'])
def test_known_etag_is_not_modified(url, form):
    etag = head(url).headers["etag"]
    answer = get(url, headers={"If-None-Match": form.format(etag)})
    assert answer.status_code == 304
    assert answer.content == b""
    assert answer.headers["etag"] == etag


def test_other_etag_is_sent_again(url, content):
    assert get(url, headers={"If-None-Match": '"other"'}).content == content
    assert get(url, headers={"If-None-Match": "*"}).content == content
    assert get(url, headers={"If-Range": '"other"', "Range": "bytes=0-1"}).content == content[:2]


def test_what_is_not_newer_is_not_modified(url, content):
    changed = head(url).headers["last-modified"]
    assert get(url, headers={"If-Modified-Since": changed}).status_code == 304
    assert get(url, headers={"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}).content == content
    assert get(url, headers={"If-Modified-Since": changed, "If-None-Match": '"other"'}).content == content
    assert get(url, headers={"If-Modified-Since": "yesterday"}).content == content


def test_a_download_is_saved_under_its_name(url):
    assert "content-disposition" not in get(url).headers
    assert get(f"{url}?download=").headers["content-disposition"] == "attachment"
    assert "filename=a%20b.mp4" in get(f"{url}?download=a b.mp4").headers["content-disposition"]
    assert get(url).headers["x-robots-tag"] == "none"


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("generated-videos/nobody/nothing/video.mp4", "NoSuchKey", "Object not found"),
        ("generated-videos/%2e%2e/%2e%2e/sandbox.sqlite3", "NoSuchKey", "Object not found"),
        ("generated-videos//etc/passwd", "NoSuchKey", "Object not found"),
        ("generated-videos/a%00b", "NoSuchKey", "Object not found"),
        ("private/video.mp4", "NoSuchBucket", "Bucket not found"),
    ],
)
def test_missing_object_is_said_in_supabase_form(sandbox: RunningSandbox, path, code, message):
    answer = get(f"{sandbox.root_url}/storage/v1/object/public/{path}")
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert answer.json()["message"] == message
    assert answer.json()["statusCode"] == "404"
