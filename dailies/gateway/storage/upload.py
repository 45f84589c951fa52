"""The body of an upload: a multipart form, read to its end whatever becomes of it, within a limit."""

import asyncio
import hashlib
import json
import shutil
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from dailies.gateway.storage.buckets import LARGEST_OBJECT_BYTES
from dailies.gateway.storage.errors import StorageRefusal

# The form around the file: two small fields and the parts' headers.
FORM_BYTES = 64 * 1024
SLOWEST_BODY_S = 300.0


@dataclass(frozen=True, slots=True)
class Upload:
    """One file that came.

    Attributes:
        draft: where it lies.
        size: bytes.
        md5: of the content, hexadecimal.
        content_type: of the file's part.
        cache_control: such as ``max-age=3600``.
        metadata: the caller's own, as JSON.
    """

    draft: Path
    size: int
    md5: str
    content_type: str
    cache_control: str
    metadata: str


async def drain(request: Request) -> None:
    """Read what still comes: a client that is sending does not see an answer."""
    async for _ in request.stream():
        pass


async def read_upload(request: Request, draft: Path) -> Upload:
    """Read the form and leave its file at ``draft``.

    Raises:
        StorageRefusal: no such form, or more than any object may have; the body has been read to its end.
    """
    chunks = _within_limit(request)
    try:
        async with asyncio.timeout(SLOWEST_BODY_S):
            form = await MultiPartParser(request.headers, chunks, max_files=1, max_fields=8).parse()
    except (MultiPartException, KeyError):
        await drain(request)
        raise StorageRefusal("InvalidRequest", "the body is no multipart form with a file") from None
    try:
        return await _keep(form, draft)
    finally:
        await form.close()


async def _within_limit(request: Request) -> AsyncGenerator[bytes, None]:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= LARGEST_OBJECT_BYTES + FORM_BYTES:
            yield chunk
    if size > LARGEST_OBJECT_BYTES + FORM_BYTES:
        raise StorageRefusal("EntityTooLarge")


async def _keep(form: FormData, draft: Path) -> Upload:
    file = next((part for part in form.values() if isinstance(part, UploadFile)), None)
    if file is None:
        raise StorageRefusal("InvalidRequest", "the form has no file")
    seconds = str(form.get("cacheControl") or "")
    return Upload(
        draft=draft,
        size=file.size or 0,
        md5=await asyncio.to_thread(_write, file, draft),
        content_type=file.content_type or "application/octet-stream",
        cache_control=f"max-age={seconds}" if seconds.isdecimal() else "no-cache",
        metadata=_metadata(form.get("metadata")),
    )


def _write(file: UploadFile, draft: Path) -> str:
    with draft.open("wb") as copy:
        shutil.copyfileobj(file.file, copy)
    with draft.open("rb") as copy:
        return hashlib.file_digest(copy, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _metadata(text: Any) -> str:
    try:
        told = json.loads(str(text)) if text else {}
    except ValueError:
        told = {}
    return json.dumps(told if isinstance(told, dict) else {})
