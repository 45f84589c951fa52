"""Fetches a video over HTTP into a file, whole or not at all."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx

from dailies.errors import DeliveryError, TransportError
from dailies.mirror.checks import Download
from dailies.mirror.target import clean_etag, read_content
from dailies.system.network import LocalAddressError, is_web_url
from dailies.system.retries import retry_after_s, retry_transport

LARGEST_BYTES = 2 * 1024**3
# A download has a deadline as a whole, and before that a pace that it must keep.
LONGEST_S = 900.0
SLOW_AFTER_S = 30.0
SLOWEST_BYTES_PER_S = 10_000
_PASSING = (408, 425, 429)


@retry_transport
async def fetch_video(http: httpx.AsyncClient, url: str, path: Path) -> httpx.Headers:
    """Write the content of a URL to a file, over whatever is there, and return the headers.

    Raises:
        DeliveryError: the storage does not have it, or answers something else than the whole file.
        TransportError: no whole answer in four tries.
    """
    if not is_web_url(url):  # an older version may have recorded it
        raise DeliveryError("its URL cannot be used")
    try:
        return await _fetch(http, url, path)
    except TimeoutError:
        raise DeliveryError(f"it did not arrive within {LONGEST_S:.0f} s") from None
    except httpx.HTTPError as error:
        raise TransportError(f"the connection was lost: {type(error).__name__}", code="no_answer") from None
    except (httpx.InvalidURL, ValueError) as error:
        raise DeliveryError(f"its URL cannot be used: {error}") from None
    except LocalAddressError as error:
        raise DeliveryError(f"its URL is refused: {error}") from None


async def _fetch(http: httpx.AsyncClient, url: str, path: Path) -> httpx.Headers:
    # Without compression the length is that of the file.
    began = time.monotonic()
    async with asyncio.timeout(LONGEST_S), http.stream("GET", url, headers={"accept-encoding": "identity"}) as answer:
        _check_status(answer)
        received = 0
        with path.open("wb") as file:
            async for chunk in answer.aiter_bytes():
                received += len(chunk)
                if received > LARGEST_BYTES:
                    raise DeliveryError(f"it is larger than {LARGEST_BYTES // 1024**3} GiB")
                _check_speed(received, time.monotonic() - began)
                file.write(chunk)
        announced = answer.headers.get("content-length")
        if announced is not None and announced != str(received):
            raise TransportError(f"{received} bytes came, but {announced} were announced", code="cut")
        return answer.headers


def _check_speed(received: int, elapsed_s: float) -> None:
    if elapsed_s > SLOW_AFTER_S and received < SLOWEST_BYTES_PER_S * elapsed_s:
        raise DeliveryError(f"it comes too slowly: {received:,} bytes in {elapsed_s:.0f} s")


def _check_status(answer: httpx.Response) -> None:
    status = answer.status_code
    if status >= 500 or status in _PASSING:
        pause_s = retry_after_s(answer.headers, datetime.now(UTC)) if "retry-after" in answer.headers else None
        raise TransportError(
            f"the storage answers HTTP {status}", code=f"http_{status}", status=status, retry_after_s=pause_s
        )
    if status != 200:
        raise DeliveryError(f"the storage answers HTTP {status}: the video is not there")


def describe_download(headers: httpx.Headers, path: Path) -> Download:
    """Read a fetched file whole and return its facts and digests. Blocks: run it in a thread."""
    return Download(
        content=read_content(path),
        content_type=headers.get("content-type", "").partition(";")[0].strip().lower(),
        etag=clean_etag(headers.get("etag")) or "",
    )
