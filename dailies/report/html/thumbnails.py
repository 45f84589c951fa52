"""Draws a thumbnail of each video and keeps it in a cache for the next report."""

import asyncio
import base64
import hashlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import httpx

from dailies.ledger.entry import LedgerEntry
from dailies.report.html.first_picture import FUNCTION
from dailies.report.html.video_links import VideoSource
from dailies.system.confined import Confined, ConfinedError, confine
from dailies.system.durable import replace_file
from dailies.system.network import LocalAddressError, guarded_client

PARALLEL = 8
# Enough for the header and the first pictures of most videos; the rest is fetched only if it is not.
HEAD_BYTES = 512 * 1024
MOST_BYTES = 64 * 1024**2
TIMEOUT_S = 20.0
# This many failures in a row mean that the storage does not answer; the report does not wait for it.
MOST_FAILURES = 16
# One fetch, and one drawing, have a deadline each.
FETCH_S = 60.0
DRAW_S = 20.0


class Thumbnailer:
    """Makes thumbnails as ``data:`` URIs.

    Args:
        cache: their folder.
        http: fetches videos that are not on this machine.
        painters: draw, in children with limits.
    """

    def __init__(self, cache: Path, http: httpx.AsyncClient, painters: Confined) -> None:
        self._cache = cache
        self._http = http
        self._painters = painters
        self._slots = asyncio.Semaphore(PARALLEL)
        self._failures = 0

    async def picture(self, source: VideoSource) -> str | None:
        """Return a video's thumbnail; None if none can be made, because a report works without."""
        async with self._slots:
            kept = self._cache / f"{hashlib.sha256(source.identity.encode()).hexdigest()[:32]}.webp"
            content = await asyncio.to_thread(_read, kept)
            if content is None:
                content = await self._make(source)
                if content is not None:
                    await asyncio.to_thread(_keep, kept, content)
        return None if content is None else f"data:image/webp;base64,{base64.b64encode(content).decode()}"

    async def _make(self, source: VideoSource) -> bytes | None:
        if source.path is not None:
            return await self._draw(source.path)
        if source.url is None:
            return None
        for size in (HEAD_BYTES, MOST_BYTES):
            content = await self._fetch(source.url, size)
            if content is None:
                return None
            drawn = await self._draw_content(content)
            if drawn is not None or len(content) < size:
                return drawn
        return None

    async def _draw_content(self, content: bytes) -> bytes | None:
        with tempfile.NamedTemporaryFile(prefix="dailies-") as file:
            await asyncio.to_thread(file.write, content)
            file.flush()
            return await self._draw(Path(file.name))

    async def _draw(self, path: Path) -> bytes | None:
        try:
            drawn = await self._painters.call(str(path))
            return base64.b64decode(drawn) if drawn else None
        except (ConfinedError, TypeError, ValueError):
            return None

    async def _fetch(self, url: str, size: int) -> bytes | None:
        if self._failures >= MOST_FAILURES:
            return None
        content = await self._fetch_head(url, size)
        self._failures = 0 if content is not None else self._failures + 1
        return content

    async def _fetch_head(self, url: str, size: int) -> bytes | None:
        content = bytearray()
        try:
            headers = {"range": f"bytes=0-{size - 1}"}
            async with asyncio.timeout(FETCH_S), self._http.stream("GET", url, headers=headers) as answer:
                if answer.status_code not in (200, 206):
                    return None
                async for chunk in answer.aiter_bytes():
                    content += chunk
                    if len(content) >= size:
                        break
        except (httpx.HTTPError, httpx.InvalidURL, LocalAddressError, TimeoutError, ValueError):
            return None
        return bytes(content[:size])


async def draw_thumbnails(
    entries: Iterable[LedgerEntry],
    sources: Mapping[str, VideoSource],
    cache: Path,
    most: int,
    *,
    allow_local: bool,
) -> dict[str, str]:
    """Draw the thumbnails of at most ``most`` videos, by job id; leave out those that cannot be made.

    ``allow_local``: whether videos may be fetched from the local network.
    """
    wanted = [job_id for entry in entries if (job_id := entry.job_id or "") in sources][:most]
    async with (
        guarded_client(allow_local=allow_local, timeout=TIMEOUT_S) as http,
        confine(FUNCTION, os.cpu_count() or 1, DRAW_S) as painters,
    ):
        maker = Thumbnailer(cache, http, painters)
        pictures = await asyncio.gather(*(maker.picture(sources[job_id]) for job_id in wanted))
    return {job_id: picture for job_id, picture in zip(wanted, pictures, strict=True) if picture is not None}


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _keep(path: Path, content: bytes) -> None:
    """Write a file of the cache; without write permission, the report works without a cache."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, lambda file: file.write(content))
    except OSError:
        return
