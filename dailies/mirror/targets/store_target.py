"""An object store as the target, through its fsspec package: ``s3://``, ``gs://`` and ``az://``.

An object appears whole. ``create`` writes are conditional on the server's side where the store has that, and every name
carries the job's id where it has not. fsspec's classes block, so each call runs in a thread.
"""

import asyncio
import base64
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import fsspec

from dailies.errors import MirrorError, TransportError
from dailies.mirror.target import CHUNK_BYTES, Content, Stored, Target, clean_etag
from dailies.system.retries import retry_transport

T = TypeVar("T")
# S3 uploads of twice as much go up in parts, so that no upload holds more than that in memory.
_PART_BYTES = 8 * 1024**2
_PARALLEL_PARTS = 2


@dataclass(frozen=True, slots=True)
class Upload:
    """One file to store.

    Attributes:
        path: the object's path, with the bucket.
        draft: the file on this machine.
        content_type: the content type to store.
        sha256: of the content, stored as the object's own metadata where that is possible.
        mode: ``create`` or ``overwrite``.
    """

    path: str
    draft: str
    content_type: str
    sha256: str
    mode: str


class S3:
    """Amazon S3, and what speaks its protocol."""

    package = "s3fs"

    @staticmethod
    def put(fs: Any, upload: Upload) -> None:
        """Upload a file."""
        fs.put_file(
            upload.draft,
            upload.path,
            mode=upload.mode,
            chunksize=_PART_BYTES,
            max_concurrency=_PARALLEL_PARTS,
            ContentType=upload.content_type,
            Metadata={"sha256": upload.sha256},
        )

    @staticmethod
    def stat(fs: Any, path: str) -> Stored:
        """Ask for an object's size, ETag and metadata."""
        bucket, key, _ = fs.split_path(path)
        head = fs.call_s3("head_object", Bucket=bucket, Key=key)
        return Stored(head["ContentLength"], clean_etag(head.get("ETag")), head.get("Metadata", {}).get("sha256"))

    @staticmethod
    def listed(row: Mapping[str, Any]) -> Stored:
        """Read a row of a listing."""
        return Stored(row["size"], clean_etag(row.get("ETag")))


class GoogleStorage:
    """Google Cloud Storage."""

    package = "gcsfs"

    @staticmethod
    def put(fs: Any, upload: Upload) -> None:
        """Upload a file."""
        metadata = {"sha256": upload.sha256}
        fs.put_file(upload.draft, upload.path, mode=upload.mode, content_type=upload.content_type, metadata=metadata)

    @classmethod
    def stat(cls, fs: Any, path: str) -> Stored:
        """Ask for an object's size, MD5 and metadata."""
        return cls.listed(fs.info(path))

    @staticmethod
    def listed(row: Mapping[str, Any]) -> Stored:
        """Read a row of a listing: the MD5 is in base64, and missing for composed objects."""
        md5 = base64.b64decode(row["md5Hash"]).hex() if row.get("md5Hash") else clean_etag(row.get("etag"))
        return Stored(int(row["size"]), md5, (row.get("metadata") or {}).get("sha256"))


class AzureBlobs:
    """Azure Blob Storage. Its package sets the metadata itself, so a copy is compared by reading it back."""

    package = "adlfs"

    @staticmethod
    def put(fs: Any, upload: Upload) -> None:
        """Upload a file."""
        from azure.storage.blob import ContentSettings  # a dependency of adlfs

        settings = ContentSettings(content_type=upload.content_type)
        fs.put_file(upload.draft, upload.path, overwrite=upload.mode == "overwrite", content_settings=settings)

    @classmethod
    def stat(cls, fs: Any, path: str) -> Stored:
        """Ask for an object's size and ETag."""
        return cls.listed(fs.info(path))

    @staticmethod
    def listed(row: Mapping[str, Any]) -> Stored:
        """Read a row of a listing."""
        return Stored(int(row["size"]), clean_etag(row.get("etag")))


KINDS: Mapping[str, Any] = {"s3": S3, "gs": GoogleStorage, "az": AzureBlobs}


class StoreTarget:
    """A bucket of an object store, or the part of it under a prefix."""

    def __init__(self, scheme: str, bucket: str, prefix: str) -> None:
        self.url = f"{scheme}://{bucket}/{prefix}".rstrip("/")
        self.drafts: Path | None = None
        self.is_shared = True
        self._kind = KINDS[scheme]
        self._bucket = bucket
        self._root = f"{bucket}/{prefix}".rstrip("/")
        try:
            self._fs = fsspec.filesystem(scheme, skip_instance_cache=True, use_listings_cache=False)
        except ImportError:
            raise MirrorError(
                f"{scheme}:// needs the package {self._kind.package}: pip install 'dailies[{scheme}]'"
            ) from None

    def address(self, name: str) -> str:
        """Return the object's URL, as the store's own tools take it."""
        return f"{self.url}/{name}"

    async def prepare(self) -> None:
        """Make sure that the bucket exists and the credentials work.

        Raises:
            MirrorError: they do not.
        """
        try:
            await self._call(lambda: self._fs.info(self._bucket))
        except FileNotFoundError:
            raise MirrorError(f"{self.url}: there is no bucket {self._bucket}; make it first") from None
        except TransportError as error:
            raise MirrorError(f"{self.url} cannot be used: {error}") from None

    async def find(self, names: Collection[str]) -> Mapping[str, Stored]:
        """Return those of some names that are objects, by one listing for each folder."""
        by_folder: dict[str, set[str]] = defaultdict(set)
        for name in names:
            by_folder[name.rpartition("/")[0]].add(name)
        found: dict[str, Stored] = {}
        for folder, wanted in sorted(by_folder.items()):
            for row in await self._list(folder):
                name = f"{folder}/{row['name'].rpartition('/')[2]}"
                if name in wanted and row["type"] == "file":
                    found[name] = self._kind.listed(row)
        return found

    async def _list(self, folder: str) -> list[dict[str, Any]]:
        try:
            return await self._call(lambda: self._fs.ls(f"{self._root}/{folder}", detail=True))
        except FileNotFoundError:
            return []
        except TransportError as error:
            raise MirrorError(f"{self.url} cannot be listed: {error}") from None

    async def stat(self, name: str) -> Stored | None:
        """Return what the store says of one object."""
        try:
            return await self._call(lambda: self._kind.stat(self._fs, self._path(name)))
        except FileNotFoundError:
            return None

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """Yield an object's content."""
        file = await self._call(lambda: self._fs.open(self._path(name), "rb", block_size=CHUNK_BYTES))
        with file:
            while chunk := await self._call(lambda: file.read(CHUNK_BYTES)):
                yield chunk

    async def put(self, name: str, draft: Path, content_type: str, content: Content, *, replace: bool) -> bool:
        """Upload a file."""
        mode = "overwrite" if replace else "create"
        upload = Upload(self._path(name), str(draft), content_type, content.sha256, mode)
        try:
            await self._call(lambda: self._kind.put(self._fs, upload))
        except FileExistsError:
            return False
        except FileNotFoundError:
            raise MirrorError(f"{self.url}: the bucket {self._bucket} is gone") from None
        except TransportError:
            # Each package has its own word for "that name is taken".
            if not replace and await self.stat(name) is not None:
                return False
            raise
        return True

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @retry_transport
    async def _call(self, call: Callable[[], T]) -> T:
        """Call fsspec in a thread.

        Raises:
            FileNotFoundError, FileExistsError: as the name says.
            MirrorError: the credentials do not allow it.
            TransportError: anything else, which may be better next time.
        """
        try:
            return await asyncio.to_thread(call)
        except (FileNotFoundError, FileExistsError):
            raise
        except PermissionError as error:
            raise MirrorError(f"{self.url} cannot be used: {error or 'access denied'}") from None
        except Exception as error:  # noqa: BLE001 - the packages raise what their HTTP clients raise
            reason = str(error).splitlines()[0][:200] if str(error) else ""
            raise TransportError(f"{type(error).__name__}: {reason}", code="store") from None


@asynccontextmanager
async def open_store(scheme: str, bucket: str, prefix: str) -> AsyncIterator[Target]:
    """Open a bucket of an object store.

    Raises:
        MirrorError: the package is missing, the credentials do not work, or there is no such bucket.
    """
    target = StoreTarget(scheme, bucket, prefix)
    await target.prepare()
    yield target
