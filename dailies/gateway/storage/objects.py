"""Objects as the database keeps them; their content is in files whose names are never made of keys."""

import json
import re
import sqlite3
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dailies.gateway.storage.bodies import Listing
from dailies.gateway.storage.buckets import GENERATED, instant
from dailies.gateway.storage.errors import StorageRefusal
from dailies.gateway.store import transaction

_KEY = re.compile(r"[\w/!.*'() &$@=;:+,?-]{1,1024}", re.ASCII)
FOLDER = "storage"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One row of the view ``stored``.

    Attributes:
        bucket_id: its bucket.
        key: its name in the bucket.
        id: UUID, kept when it is replaced.
        version: UUID of this content.
        place: the folder of its file within the data folder: ``storage``, or ``clips`` for a finished video.
        file: its file's name.
        size: bytes.
        content_type: as it was uploaded.
        cache_control: such as ``max-age=3600``.
        etag: MD5 of the content, hexadecimal; of a large object, MD5 of the MD5s of its parts and their number.
        metadata: the caller's own, as JSON.
        created_us: Unix microseconds.
        updated_us: Unix microseconds.
    """

    bucket_id: str
    key: str
    id: str
    version: str
    place: str
    file: str
    size: int
    content_type: str
    cache_control: str
    etag: str
    metadata: str
    created_us: int
    updated_us: int

    def info(self) -> dict[str, Any]:
        """Return what ``GET /object/info`` answers."""
        return {
            "id": self.id,
            "name": self.key,
            "version": self.version,
            "bucket_id": self.bucket_id,
            "size": self.size,
            "content_type": self.content_type,
            "cache_control": self.cache_control,
            "etag": f'"{self.etag}"',
            "metadata": json.loads(self.metadata),
            "last_modified": instant(self.updated_us),
            "created_at": instant(self.created_us),
        }

    def row(self, name: str) -> dict[str, Any]:
        """Return the object as a listing shows it, under a name."""
        return {
            "name": name,
            "id": self.id,
            "updated_at": instant(self.updated_us),
            "created_at": instant(self.created_us),
            "last_accessed_at": instant(self.updated_us),
            "metadata": {
                "eTag": f'"{self.etag}"',
                "size": self.size,
                "mimetype": self.content_type,
                "cacheControl": self.cache_control,
                "lastModified": instant(self.updated_us),
                "contentLength": self.size,
                "httpStatusCode": 200,
            },
        }


def check_key(key: str) -> str:
    """Return a key that can be stored.

    Raises:
        StorageRefusal: it has a character that the storage does not take, or a dot segment.
    """
    if not _KEY.fullmatch(key) or any(step in (".", "..") for step in key.split("/")):
        raise StorageRefusal("InvalidKey", f"Invalid key: {key}")
    return key


def find_object(store: sqlite3.Connection, bucket_id: str, key: str) -> StoredObject | None:
    """Find the object of a key."""
    row = store.execute("SELECT * FROM stored WHERE bucket_id = ? AND key = ?", (bucket_id, key)).fetchone()
    return None if row is None else StoredObject(**row)


def put_object(store: sqlite3.Connection, new: StoredObject) -> str | None:
    """Store a new object, or new content of one; return the file that is no longer needed, if any."""
    with transaction(store):
        known = find_object(store, new.bucket_id, new.key)
        store.execute(
            "INSERT INTO storage_objects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (bucket_id, key) DO UPDATE SET version = excluded.version, file = excluded.file,"
            " size = excluded.size, content_type = excluded.content_type, cache_control = excluded.cache_control,"
            " etag = excluded.etag, metadata = excluded.metadata, updated_us = excluded.updated_us",
            tuple(getattr(new, name) for name in StoredObject.__slots__),
        )
    return known.file if known is not None and known.place == FOLDER else None


def remove_objects(store: sqlite3.Connection, bucket_id: str, keys: Iterable[str]) -> list[StoredObject]:
    """Delete objects; return those that existed."""
    removed = []
    with transaction(store):
        for key in keys:
            known = find_object(store, bucket_id, key)
            if known is not None:
                removed.append(known)
                store.execute("DELETE FROM storage_objects WHERE bucket_id = ? AND key = ?", (bucket_id, key))
                if bucket_id == GENERATED:
                    store.execute("DELETE FROM objects WHERE path = ?", (key,))
    return removed


def list_objects(store: sqlite3.Connection, bucket_id: str, wanted: Listing) -> list[dict[str, Any]]:
    """List one level of a bucket as ``POST /object/list`` asks for it: objects, and folders by name only.

    Prefix and order ignore case, as in the real storage: a listing of ``A`` shows what lies in ``a``, too.
    """
    prefix = wanted.prefix if wanted.prefix.endswith("/") or not wanted.prefix else f"{wanted.prefix}/"
    where = "bucket_id = ? AND substr(lower(key), 1, ?) = lower(?)"
    found = store.execute(f"SELECT * FROM stored WHERE {where} ORDER BY key", (bucket_id, len(prefix), prefix))  # noqa: S608
    rows: dict[str, dict[str, Any]] = {}
    for one in found:
        name, slash, _ = one["key"][len(prefix) :].partition("/")
        rows[name] = _folder(name) if slash else StoredObject(**one).row(name)
    search, column = wanted.search.lower(), wanted.sortBy.column
    page = [row for row in rows.values() if row["name"].lower().startswith(search)]
    page.sort(key=lambda row: ((row[column] or "").lower(), row["name"]), reverse=wanted.sortBy.order == "desc")
    return page[wanted.offset : wanted.offset + wanted.limit]


def _folder(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "id": None,
        "updated_at": None,
        "created_at": None,
        "last_accessed_at": None,
        "metadata": None,
    }


def new_version() -> str:
    """Make the id of a new content, which also names its file."""
    return str(uuid.uuid4())
