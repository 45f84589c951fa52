"""Serves stored objects piece by piece, whole or one range of them, as Supabase Storage does."""

import os
import re
from email.utils import formatdate, parsedate_to_datetime
from typing import BinaryIO
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dailies.gateway.accounts.money import MICROS
from dailies.gateway.gateway import Gateway
from dailies.gateway.storage.errors import StorageRefusal
from dailies.gateway.storage.objects import StoredObject

ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
PIECE_BYTES = 65_536
# An uploaded page runs no script, loads nothing, and has no origin.
CONTENT_POLICY = "sandbox; default-src 'none'; media-src 'self'; img-src 'self'; style-src 'unsafe-inline'"


class FilePart(Response):
    """One range of an open file. It holds one piece at a time in memory, however slow the reader is."""

    def __init__(self, file: BinaryIO, part: range, status: int, headers: dict[str, str], media_type: str) -> None:
        super().__init__(None, status, headers | {"content-length": str(len(part))}, media_type)
        self.file = file
        self.part = part

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """Send the head, then piece after piece. uvicorn waits in ``send`` while the reader is slow."""
        with self.file:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            self.file.seek(self.part.start)
            left = len(self.part) if scope["method"] == "GET" else 0
            while left > 0 and (piece := self.file.read(min(PIECE_BYTES, left))):
                left -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


def serve_object(request: Request, gateway: Gateway, stored: StoredObject) -> Response:
    """Answer with an object, whole or one range of it, or that the caller has it already.

    Raises:
        StorageRefusal: it was removed in this moment.
    """
    etag = f'"{stored.etag}"'
    headers = {
        "accept-ranges": "bytes",
        "cache-control": stored.cache_control,
        "content-security-policy": CONTENT_POLICY,
        "etag": etag,
        "last-modified": formatdate(stored.updated_us / MICROS, usegmt=True),
        "x-robots-tag": "none",
    }
    if _is_known(request, etag, stored.updated_us):
        return Response(status_code=304, headers=headers)
    if "download" in request.query_params:
        headers["content-disposition"] = _disposition(request.query_params["download"])
    try:
        file = (gateway.options.data_dir / stored.place / stored.file).open("rb")
    except FileNotFoundError:
        raise StorageRefusal("NoSuchKey") from None
    size = os.fstat(file.fileno()).st_size
    wanted = request.headers.get("range")
    if wanted is None:
        return FilePart(file, range(size), 200, headers, stored.content_type)
    part = find_range(wanted, size)
    if part is None:
        file.close()
        return StorageRefusal("InvalidRange").answer(416)
    headers["content-range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    return FilePart(file, part, 206, headers, stored.content_type)


def _is_known(request: Request, etag: str, updated_us: int) -> bool:
    """Return whether the caller has this content already; an ETag counts for more than a time."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return any(tag.strip().removeprefix("W/") == etag for tag in tags.split(","))
    try:
        since = parsedate_to_datetime(request.headers.get("if-modified-since", ""))
    except ValueError:
        return False
    return since.tzinfo is not None and updated_us // MICROS <= since.timestamp()


def _disposition(name: str) -> str:
    """Return the header that makes a browser save a file, under a name if one was given."""
    return f"attachment; filename={quote(name)}; filename*=UTF-8''{quote(name)};" if name else "attachment"


def find_range(header: str, size: int) -> range | None:
    """Read the bytes that a ``Range`` header asks for; None if it is bad, multiple or beyond the end (416)."""
    found = ONE_RANGE.fullmatch(header.strip())
    if found is None:
        return None
    first, last = found.groups()
    if first:
        part = range(int(first), min(int(last) + 1, size) if last else size)
    elif last:
        part = range(max(size - int(last), 0), size)
    else:
        return None
    return part if len(part) else None
