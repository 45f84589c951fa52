"""The body of an upload, a multipart form or the file itself: read to its end, within a limit and a deadline."""

import asyncio
import hashlib
import json
import re
import shutil
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pydantic_core import from_json
from python_multipart.exceptions import FormParserError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from dailies.gateway.request_body import drain
from dailies.gateway.storage.buckets import LARGEST_OBJECT_BYTES
from dailies.gateway.storage.errors import StorageRefusal
from dailies.system.private_files import private

# The form around the file: two small fields and the headers of the parts.
LARGEST_UPLOAD_BYTES = LARGEST_OBJECT_BYTES + 64 * 1024
SLOWEST_UPLOAD_S = 300.0
PART_BYTES = 16 * 1024**2
_KIND = re.compile(r"[\w!#$&^.+-]{1,100}/[\w!#$&^.+-]{1,100}( ?; ?[\w.-]{1,40}=[\w.\"-]{1,100}){0,4}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class Upload:
    """One uploaded file.

    Attributes:
        size: bytes.
        etag: of the content: its MD5, or, above the size of a part, made of the MD5s of its parts.
        content_type: of the file's part.
        cache_control: such as ``max-age=3600``.
        metadata: the caller's own, as JSON.
    """

    size: int
    etag: str
    content_type: str
    cache_control: str
    metadata: str


async def read_upload(request: Request, draft: Path) -> Upload:
    """Read the body and leave its file at ``draft``.

    Raises:
        StorageRefusal: no such form, or more than any object may have; the body has been read to its end.
    """
    try:
        async with asyncio.timeout(SLOWEST_UPLOAD_S):
            if not request.headers.get("content-type", "").startswith("multipart/"):
                return await _keep_raw(request, draft)
            form = await MultiPartParser(request.headers, _within_limit(request), max_files=1, max_fields=8).parse()
    except (MultiPartException, FormParserError, ClientDisconnect, LookupError, ValueError):
        await drain(request.receive, LARGEST_UPLOAD_BYTES)
        raise StorageRefusal("InvalidRequest", "the body is not a multipart form with a file") from None
    except TimeoutError:
        raise StorageRefusal("InvalidRequest", "the body took too long to arrive") from None
    try:
        return await _keep(form, draft)
    finally:
        await form.close()


async def _within_limit(request: Request) -> AsyncGenerator[bytes, None]:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > LARGEST_UPLOAD_BYTES:
            await drain(request.receive, LARGEST_UPLOAD_BYTES)
            raise StorageRefusal("EntityTooLarge")
        yield chunk


async def _keep(form: FormData, draft: Path) -> Upload:
    file = next((part for part in form.values() if isinstance(part, UploadFile)), None)
    if file is None:
        raise StorageRefusal("InvalidRequest", "the form has no file")
    kind = _kind(file.content_type)
    seconds = str(form.get("cacheControl") or "")
    return Upload(
        size=file.size or 0,
        etag=await asyncio.to_thread(_write, file, draft),
        content_type=kind,
        cache_control=f"max-age={seconds}" if _SECONDS.fullmatch(seconds) else "no-cache",
        metadata=_metadata(form.get("metadata")),
    )


async def _keep_raw(request: Request, draft: Path) -> Upload:
    """Keep a body that is the file itself, as other clients than Python's send it; headers say what it is."""
    kind = _kind(request.headers.get("content-type"))
    size = 0
    with await asyncio.to_thread(_create, draft) as copy:
        async for chunk in _within_limit(request):
            size += len(chunk)
            copy.write(chunk)
    return Upload(
        size=size,
        etag=await asyncio.to_thread(_etag, draft),
        content_type=kind,
        cache_control=request.headers.get("cache-control", "no-cache"),
        metadata="{}",
    )


def _kind(content_type: str | None) -> str:
    kind = content_type or "application/octet-stream"
    if not _KIND.fullmatch(kind):
        raise StorageRefusal("InvalidMimeType", f"mime type {kind[:100]!a} is not supported")
    return kind


def _create(draft: Path) -> BinaryIO:
    return open(draft, "wb", opener=private)


def _write(file: UploadFile, draft: Path) -> str:
    with _create(draft) as copy:
        shutil.copyfileobj(file.file, copy)
    return _etag(draft)


def _etag(path: Path) -> str:
    """Return S3's ETag: the MD5, or, of a file stored in parts, the MD5 of their MD5s and their number."""
    with path.open("rb") as file:
        parts = [hashlib.md5(part, usedforsecurity=False) for part in iter(lambda: file.read(PART_BYTES), b"")]
    if len(parts) > 1:
        whole = hashlib.md5(b"".join(part.digest() for part in parts), usedforsecurity=False)
        return f"{whole.hexdigest()}-{len(parts)}"
    return parts[0].hexdigest() if parts else hashlib.md5(usedforsecurity=False).hexdigest()


def _metadata(text: Any) -> str:
    try:
        metadata = from_json(str(text), allow_inf_nan=False) if text else {}
    except ValueError:
        metadata = {}
    return json.dumps(metadata if isinstance(metadata, dict) else {}, allow_nan=False)
