"""A bucket of a Supabase project as the target, through the official client.

docs/mirror.md describes the client and the server. What matters here: only ``get_bucket`` notices a wrong key; errors
carry their status in the body; the server checks whether a name is free and stores later, so of two uploads of one name
both may succeed; a listing ignores case; the ETag of a large object is no MD5.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, TypeVar

import httpx
from storage3.exceptions import StorageApiError
from storage3.types import ListBucketFilesOptions
from supabase import AsyncClient, AsyncClientOptions, acreate_client

from dailies.errors import DeliveryError, MirrorError, TransportError
from dailies.mirror.target import CHUNK_BYTES, Content, Stored, Target, clean_etag
from dailies.settings import Settings
from dailies.system.retries import retry_after_s, retry_transport

T = TypeVar("T")
PAGE = 1000
# A server that refuses a large upload may stop reading: the write times out, and the read of a slow one must not.
TIMEOUT = httpx.Timeout(30.0, read=300.0, write=60.0)
_NOT_FOUND = "404"
_EXISTS = "409"
_REFUSED_FILE = ("413", "415")
_LONGEST_REASON = 200


class BucketTarget:
    """A bucket, or the part of it under a prefix."""

    def __init__(self, client: AsyncClient, http: httpx.AsyncClient, bucket: str, prefix: str) -> None:
        self._client = client
        self._http = http
        self._storage = client.storage
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._public_url: str | None = None
        self._largest_bytes: int | None = None
        self._content_types: tuple[str, ...] = ()
        self._folders: dict[str, list[str]] = {}

    @property
    def url(self) -> str:
        """``supabase://bucket/prefix``."""
        return f"supabase://{self._bucket}/{self._prefix}".rstrip("/")

    @property
    def drafts(self) -> Path | None:
        """None: any folder will do, as an upload becomes visible as a whole."""
        return None

    @property
    def is_shared(self) -> bool:
        """True: the server keeps two uploads of one name apart only most of the time."""
        return True

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
            bucket = await _require_answer(lambda: self._storage.get_bucket(self._bucket))
        except StorageApiError as error:
            if str(error.status) != _NOT_FOUND:
                raise self._refused(error) from None
            await self._create()
            return
        self._largest_bytes = bucket.file_size_limit
        self._content_types = tuple(bucket.allowed_mime_types or ())
        if bucket.public:
            self._public_url = (await self._files.get_public_url("-")).rstrip("?").removesuffix("-")

    async def _create(self) -> None:
        try:
            await _require_answer(lambda: self._storage.create_bucket(self._bucket, options={"public": False}))
        except StorageApiError as error:
            if str(error.status) != _EXISTS:
                raise self._refused(error) from None

    async def find(self, names: Collection[str]) -> Mapping[str, Stored]:
        """Return those of some names that are objects, by one listing for each folder."""
        by_folder: dict[str, list[str]] = defaultdict(list)
        for name in names:
            by_folder[name.rpartition("/")[0]].append(name)
        found: dict[str, Stored] = {}
        for folder, wanted in sorted(by_folder.items()):
            if await self._has_twin(f"{self._prefix}{folder}"):
                looked_up = {name: await self.stat(name) for name in wanted}
                found |= {name: stored for name, stored in looked_up.items() if stored is not None}
            else:
                rows = [row async for row in self._rows(f"{self._prefix}{folder}") if row.get("metadata")]
                listed = {f"{folder}/{row['name']}": _listed(row["metadata"]) for row in rows}
                found |= {name: listed[name] for name in wanted if name in listed}
        return found

    async def _has_twin(self, folder: str) -> bool:
        """Return whether another folder differs by case alone: one listing would show the objects of both."""
        parent = ""
        for step in folder.split("/"):
            if parent not in self._folders:
                self._folders[parent] = [row["name"] async for row in self._rows(parent) if not row.get("metadata")]
            if any(name != step and name.lower() == step.lower() for name in self._folders[parent]):
                return True
            parent = f"{parent}/{step}".removeprefix("/")
        return False

    async def _rows(self, folder: str) -> AsyncIterator[dict[str, Any]]:
        offset = 0
        while True:
            options = ListBucketFilesOptions(limit=PAGE, offset=offset)
            try:
                page: list[dict[str, Any]] = await _require_answer(lambda: self._files.list(folder, options))  # noqa: B023 - called at once
            except StorageApiError as error:
                raise self._refused(error) from None
            for row in page:
                yield row
            offset += len(page)
            if len(page) < PAGE:
                return

    async def stat(self, name: str) -> Stored | None:
        """Return an object's size, ETag and, from its own metadata, SHA-256."""
        try:
            facts = await _call(lambda: self._files.info(f"{self._prefix}{name}"))
        except StorageApiError as error:
            if str(error.status) == _NOT_FOUND:
                return None
            raise self._refused(error) from None
        return Stored(int(facts["size"]), clean_etag(facts.get("etag")), (facts.get("metadata") or {}).get("sha256"))

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """Yield an object's content; the client itself would hold all of it in memory."""
        url = f"{str(self._client.storage_url).rstrip('/')}/object/{self._bucket}/{self._prefix}{name}"
        try:
            async with self._http.stream("GET", url, headers=self._client.options.headers) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise DeliveryError(f"{self.address(name)} cannot be read back: HTTP {answer.status_code}")
                async for chunk in answer.aiter_bytes(CHUNK_BYTES):
                    yield chunk
        except httpx.HTTPError as error:
            raise _no_answer(error) from None

    async def put(self, name: str, draft: Path, content_type: str, content: Content, *, replace: bool) -> bool:
        """Upload a file, with its SHA-256 as the object's metadata.

        Raises:
            DeliveryError: the bucket refuses a file of this size or type.
            MirrorError: the bucket takes nothing.
            TransportError: no clear answer in four tries.
        """
        self._check_limits(content_type, content)
        options: Any = {
            "content-type": content_type,
            "upsert": "true" if replace else "false",
            "metadata": {"sha256": content.sha256},
        }
        try:
            await _call(lambda: self._files.upload(f"{self._prefix}{name}", draft, options))
        except StorageApiError as error:
            if str(error.status) == _EXISTS and not replace:
                return False
            if str(error.status) in _REFUSED_FILE:
                raise DeliveryError(f"the bucket {self._bucket} refuses it: {_reason(error)}") from None
            raise self._refused(error) from None
        return True

    def _check_limits(self, content_type: str, content: Content) -> None:
        """Refuse before sending: a server that refuses a large body may not read it, and no answer arrives."""
        if self._largest_bytes is not None and content.size > self._largest_bytes:
            raise DeliveryError(
                f"the bucket {self._bucket} takes files of up to {self._largest_bytes:,} bytes; this one has"
                f" {content.size:,}"
            )
        if self._content_types and not any(fnmatch(content_type, kind) for kind in self._content_types):
            raise DeliveryError(
                f"the bucket {self._bucket} takes {', '.join(self._content_types)} only; this file is {content_type}"
            )

    @property
    def _files(self) -> Any:
        return self._storage.from_(self._bucket)

    def _refused(self, error: StorageApiError) -> MirrorError:
        remedy = "is SUPABASE_SERVICE_KEY the service key of this project?" if str(error.status) == "403" else ""
        return MirrorError(f"{self.url} cannot be used: {_reason(error)}. {remedy}".strip())


def _reason(error: StorageApiError) -> str:
    if error.code == "InternalError":  # the client's own word for what it cannot read
        return f"HTTP {error.status}, and not from Supabase Storage; is SUPABASE_URL right?"
    return str(error.message)[:_LONGEST_REASON]


def _listed(metadata: dict[str, Any]) -> Stored:
    return Stored(int(metadata["size"]), clean_etag(metadata.get("eTag")))


async def _require_answer(call: Callable[[], Awaitable[T]]) -> T:
    """Call the client where nothing works without an answer.

    Raises:
        StorageApiError: a clear refusal.
        MirrorError: no clear answer in four tries.
    """
    try:
        return await _call(call)
    except TransportError as error:
        raise MirrorError(f"Supabase cannot be used: {error}") from None


@retry_transport
async def _call(call: Callable[[], Awaitable[T]]) -> T:
    """Call the client, which itself tries only once, and does not wrap connection errors or unreadable answers."""
    try:
        return await call()
    except httpx.HTTPError as error:
        raise _no_answer(error) from None
    except StorageApiError as error:
        status = str(error.status)
        if status == "429" or status.startswith("5"):
            raise TransportError(f"HTTP {status}: {_reason(error)}", code=f"http_{status}") from None
        raise
    except (ValueError, KeyError, TypeError):
        raise MirrorError("the answer is not from Supabase Storage; is SUPABASE_URL right?") from None


def _no_answer(error: httpx.HTTPError) -> TransportError:
    return TransportError(f"no answer ({type(error).__name__})", code="no_answer")


async def _raise_pause(answer: httpx.Response) -> None:
    """Raise what the client would hide: a status that asks for a pause, and how long it is to be."""
    if "retry-after" in answer.headers and (
        answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error
    ):
        pause_s = retry_after_s(answer.headers, datetime.now(UTC))
        raise TransportError(f"HTTP {answer.status_code}", code=f"http_{answer.status_code}", retry_after_s=pause_s)


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
    limits, hooks = httpx.Limits(max_connections=100), {"response": [_raise_pause]}
    async with httpx.AsyncClient(timeout=TIMEOUT, limits=limits, event_hooks=hooks) as http:
        options = AsyncClientOptions(httpx_client=http, auto_refresh_token=False, persist_session=False)
        client = await acreate_client(url, key.get_secret_value(), options=options)
        target = BucketTarget(client, http, bucket, prefix)
        await target.prepare()
        yield target
