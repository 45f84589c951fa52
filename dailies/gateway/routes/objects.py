"""Public URLs, of the finished videos and of every other public bucket, as Supabase Storage serves them."""

import re
from email.utils import formatdate
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dailies.gateway.accounts.money import MICROS
from dailies.gateway.gateway import Gateway
from dailies.gateway.routes.wire import errors
from dailies.gateway.storage.buckets import find_bucket
from dailies.gateway.storage.errors import StorageRefusal
from dailies.gateway.storage.objects import StoredObject, find_object

ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


RESPONSES: dict[int | str, dict[str, Any]] = errors(404) | {
    200: {"description": "The video", "content": {"video/mp4": {}}},
    206: {"description": "One range of it", "content": {"video/mp4": {}}},
    304: {"description": "The caller has it"},
    400: {"description": "It is not there; the body says so", "content": {"application/json": {}}},
    416: {"description": "A bad range, or several"},
}


def object_routes(gateway: Gateway) -> APIRouter:
    """GET and HEAD of public objects."""
    routes = APIRouter(prefix="/storage/v1/object/public", tags=["storage"], responses=RESPONSES)

    @routes.get("/{bucket}/{key:path}", response_class=Response)
    @routes.head("/{bucket}/{key:path}", response_class=Response)
    async def read_object(request: Request, bucket: str, key: str) -> Response:
        """Serve a stored video, whole or one range of it."""
        found = find_bucket(gateway.store, bucket)
        if found is None or not found.public:
            raise StorageRefusal("NoSuchBucket")
        # The key is looked up, never joined to a path: what was not stored cannot be reached.
        stored = find_object(gateway.store, bucket, key)
        if stored is None:
            raise StorageRefusal("NoSuchKey")
        return serve_object(request, gateway, stored)

    return routes


def serve_object(request: Request, gateway: Gateway, stored: StoredObject) -> Response:
    """An object, whole or one range of it, or that the caller has it already."""
    etag = f'"{stored.etag}"'
    headers = {
        "accept-ranges": "bytes",
        "cache-control": stored.cache_control,
        "etag": etag,
        "last-modified": formatdate(stored.updated_us / MICROS, usegmt=True),
    }
    if _matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    content = (gateway.options.data_dir / stored.place / stored.file).read_bytes()
    wanted = request.headers.get("range")
    if wanted is None or request.headers.get("if-range", etag) != etag:
        return Response(content, headers=headers, media_type=stored.content_type)
    part = find_range(wanted, len(content))
    if part is None:
        return Response(status_code=416, headers=headers | {"content-range": f"bytes */{len(content)}"})
    headers["content-range"] = f"bytes {part.start}-{part.stop - 1}/{len(content)}"
    return Response(content[part.start : part.stop], 206, headers, media_type=stored.content_type)


def _matches(wanted: str | None, etag: str) -> bool:
    if wanted is None:
        return False
    return any(tag.strip().removeprefix("W/") in (etag, "*") for tag in wanted.split(","))


def find_range(header: str, size: int) -> range | None:
    """The bytes that a ``Range`` header asks for; None if it is bad, multiple or beyond the end (416)."""
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
