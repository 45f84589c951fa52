"""Fetches a video over HTTP into a file, whole or not at all."""

import hashlib
from pathlib import Path

import httpx

from dailies.errors import DeliveryError, TransportError
from dailies.mirror.checks import Download
from dailies.system.retries import retry_transport

LARGEST_BYTES = 2 * 1024**3
_CHUNK_BYTES = 256 * 1024
_PASSING = (408, 425, 429)


@retry_transport
async def fetch_video(http: httpx.AsyncClient, url: str, path: Path) -> httpx.Headers:
    """Write the content of a URL to a file, over whatever is there, and return the headers.

    Raises:
        DeliveryError: the storage does not have it, or answers something else than the whole file.
        TransportError: no whole answer in four tries.
    """
    try:
        return await _fetch(http, url, path)
    except httpx.HTTPError as error:
        raise TransportError(f"the connection was lost: {type(error).__name__}", code="no_answer") from None
    except httpx.InvalidURL as error:
        raise DeliveryError(f"its URL cannot be used: {error}") from None


async def _fetch(http: httpx.AsyncClient, url: str, path: Path) -> httpx.Headers:
    # Without compression the length is that of the file.
    async with http.stream("GET", url, headers={"accept-encoding": "identity"}) as answer:
        _check_status(answer)
        received = 0
        with path.open("wb") as file:
            async for chunk in answer.aiter_bytes(_CHUNK_BYTES):
                received += len(chunk)
                if received > LARGEST_BYTES:
                    raise DeliveryError(f"it is larger than {LARGEST_BYTES // 1024**3} GiB")
                file.write(chunk)
        announced = answer.headers.get("content-length")
        if announced is not None and announced != str(received):
            raise TransportError(f"{received} bytes came, but {announced} were announced", code="cut")
        return answer.headers


def _check_status(answer: httpx.Response) -> None:
    status = answer.status_code
    if status >= 500 or status in _PASSING:
        raise TransportError(f"the storage answers HTTP {status}", code=f"http_{status}", status=status)
    if status != 200:
        raise DeliveryError(f"the storage answers HTTP {status}: the video is not there")


def describe_download(headers: httpx.Headers, path: Path) -> Download:
    """Read a fetched file whole and return its facts and digests. Blocks: run it in a thread."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1024**2):
            md5.update(chunk)
            sha256.update(chunk)
    return Download(
        size=path.stat().st_size,
        content_type=headers.get("content-type", "").partition(";")[0].strip().lower(),
        etag=headers.get("etag", "").removeprefix("W/").strip('"'),
        md5=md5.hexdigest(),
        sha256=sha256.hexdigest(),
    )
