"""A bucket of a Supabase project as the target, through the official client.

docs/mirror.md describes the client and the server. Two facts matter here: only ``get_bucket`` notices a wrong key, and
errors carry their status in the body.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
from storage3.exceptions import StorageApiError
from storage3.types import ListBucketFilesOptions
from supabase import AsyncClient, AsyncClientOptions, acreate_client

from dailies.errors import DeliveryError, MirrorError, TransportError
from dailies.mirror.target import Stored, Target
from dailies.settings import Settings
from dailies.system.retries import retry_transport

T = TypeVar("T")
PAGE = 1000
UPLOAD_TIMEOUT_S = 300.0
_NOT_FOUND = "404"
_EXISTS = "409"
_TOO_LARGE = "413"


class BucketTarget:
    """A bucket, or the part of it under a prefix."""

    def __init__(self, client: AsyncClient, bucket: str, prefix: str) -> None:
        self._storage = client.storage
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._public_url: str | None = None

    @property
    def url(self) -> str:
        """``supabase://bucket/prefix``."""
        return f"supabase://{self._bucket}/{self._prefix}".rstrip("/")

    @property
    def drafts(self) -> Path | None:
        """None: any folder will do, as an upload becomes visible as a whole."""
        return None

    def address(self, name: str) -> str:
        """Return the public URL; in a private bucket, the ``supabase://`` name."""
        if self._public_url is None:
            return f"supabase://{self._bucket}/{self._prefix}{name}"
        return f"{self._public_url.rstrip('/')}/{self._prefix}{name}"

    async def prepare(self) -> None:
        """Check the key and the bucket; make a missing bucket, private.

        Raises:
            MirrorError: the key is refused, or the bucket cannot be made.
        """
        try:
            bucket = await _call(lambda: self._storage.get_bucket(self._bucket))
        except StorageApiError as error:
            if str(error.status) != _NOT_FOUND:
                raise self._refused(error) from None
            await self._create()
            return
        if bucket.public:
            self._public_url = (
                (await self._storage.from_(self._bucket).get_public_url("-")).rstrip("?").removesuffix("-")
            )

    async def _create(self) -> None:
        try:
            await _call(lambda: self._storage.create_bucket(self._bucket, options={"public": False}))
        except StorageApiError as error:
            if str(error.status) != _EXISTS:
                raise self._refused(error) from None

    async def list_folders(self, folders: Iterable[str]) -> Mapping[str, Stored]:
        """Return the objects in some folders, by name."""
        found: dict[str, Stored] = {}
        for folder in sorted(set(folders)):
            rows = [row async for row in self._rows(f"{self._prefix}{folder}")]
            found |= {f"{folder}/{row['name']}": _stored(row["metadata"]) for row in rows if row.get("metadata")}
        return found

    async def _rows(self, folder: str) -> AsyncIterator[dict[str, Any]]:
        offset = 0
        while True:
            options = ListBucketFilesOptions(limit=PAGE, offset=offset)
            page: list[dict[str, Any]] = await self._ask(lambda: self._files.list(folder, options))  # noqa: B023 - called at once
            for row in page:
                yield row
            offset += len(page)
            if len(page) < PAGE:
                return

    async def stat(self, name: str) -> Stored | None:
        """Return an object's size and MD5."""
        try:
            facts = await _call(lambda: self._files.info(f"{self._prefix}{name}"))
        except StorageApiError as error:
            if str(error.status) == _NOT_FOUND:
                return None
            raise self._refused(error) from None
        return Stored(int(facts["size"]), _md5(facts.get("etag")))

    async def put(self, name: str, draft: Path, content_type: str, *, replace: bool) -> bool:
        """Upload a file.

        Raises:
            DeliveryError: the bucket does not take a file of this size or kind.
            MirrorError: the bucket takes nothing.
        """
        options: Any = {"content-type": content_type, "upsert": "true" if replace else "false"}
        try:
            await _call(lambda: self._files.upload(f"{self._prefix}{name}", draft, options))
        except StorageApiError as error:
            if str(error.status) == _EXISTS and not replace:
                return False
            if str(error.status) in (_TOO_LARGE, "415"):
                raise DeliveryError(f"the bucket {self._bucket} refuses it: {error.message}") from None
            raise self._refused(error) from None
        return True

    @property
    def _files(self) -> Any:
        return self._storage.from_(self._bucket)

    async def _ask(self, call: Callable[[], Awaitable[T]]) -> T:
        try:
            return await _call(call)
        except StorageApiError as error:
            raise self._refused(error) from None

    def _refused(self, error: StorageApiError) -> MirrorError:
        remedy = "is SUPABASE_SERVICE_KEY the service key of this project?" if str(error.status) == "403" else ""
        return MirrorError(f"{self.url} cannot be used: {error.message}. {remedy}".strip())


def _stored(metadata: dict[str, Any]) -> Stored:
    return Stored(int(metadata["size"]), _md5(metadata.get("eTag")))


def _md5(etag: Any) -> str | None:
    text = str(etag or "").strip('"')
    return text if len(text) == 32 else None


async def _call(call: Callable[[], Awaitable[T]]) -> T:
    """Call the client, which itself tries only once and does not wrap connection errors.

    Raises:
        StorageApiError: a clear refusal.
        MirrorError: no clear answer in four tries.
    """
    try:
        return await _try(call)
    except TransportError as error:
        raise MirrorError(f"Supabase cannot be used: {error}") from None


@retry_transport
async def _try(call: Callable[[], Awaitable[T]]) -> T:
    try:
        return await call()
    except httpx.HTTPError as error:
        raise TransportError(f"no answer ({type(error).__name__})", code="no_answer") from None
    except StorageApiError as error:
        status = str(error.status)
        if status == "429" or status.startswith("5"):
            raise TransportError(f"HTTP {status}: {error.message}", code=f"http_{status}") from None
        raise


@asynccontextmanager
async def open_bucket(bucket: str, prefix: str, settings: Settings) -> AsyncIterator[Target]:
    """Open a bucket.

    Raises:
        MirrorError: no project or key is set, the key is refused, or the bucket cannot be made.
    """
    url, key = settings.supabase_url, settings.supabase_service_key
    if url is None or key is None:
        raise MirrorError(
            f"supabase://{bucket} needs SUPABASE_URL and SUPABASE_SERVICE_KEY (Supabase: Project Settings, API keys);"
            " docs/mirror.md explains where to find them"
        )
    async with httpx.AsyncClient(timeout=UPLOAD_TIMEOUT_S, limits=httpx.Limits(max_connections=100)) as http:
        options = AsyncClientOptions(httpx_client=http, auto_refresh_token=False, persist_session=False)
        client = await acreate_client(url, key.get_secret_value(), options=options)
        target = BucketTarget(client, bucket, prefix)
        await target.prepare()
        yield target
