"""Buckets, as the database keeps them."""

import json
import re
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dailies.gateway.accounts.money import MICROS
from dailies.gateway.storage.bodies import NewBucket
from dailies.gateway.storage.errors import StorageRefusal

GENERATED = "generated-videos"
LARGEST_OBJECT_BYTES = 50 * 1024**2
_NAME = re.compile(r"[\w!.*'() &$@=;:+,?-]{1,100}", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(B|KB|MB|GB)?", re.IGNORECASE | re.ASCII)
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}

TABLES = """
CREATE TABLE IF NOT EXISTS storage_buckets (
    id TEXT PRIMARY KEY, public INTEGER NOT NULL, file_size_limit INTEGER, allowed_mime_types TEXT,
    created_us INTEGER NOT NULL, updated_us INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS storage_objects (
    bucket_id TEXT NOT NULL REFERENCES storage_buckets (id), key TEXT NOT NULL, id TEXT NOT NULL,
    version TEXT NOT NULL, place TEXT NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL, content_type TEXT NOT NULL,
    cache_control TEXT NOT NULL, etag TEXT NOT NULL, metadata TEXT NOT NULL, created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL, PRIMARY KEY (bucket_id, key)
) STRICT;
CREATE VIEW IF NOT EXISTS stored AS
SELECT * FROM storage_objects UNION ALL
SELECT 'generated-videos', path, substr(path, 38, 36), etag, 'clips', file, size, 'video/mp4', 'max-age=3600', etag,
    '{}', created_us, created_us
FROM objects WHERE path NOT IN (SELECT key FROM storage_objects WHERE bucket_id = 'generated-videos');
"""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket.

    Attributes:
        id: its name.
        public: whether its objects need no key.
        file_size_limit: bytes that an object may have; None: 50 MiB.
        allowed_mime_types: what objects may be (``video/*``); None: anything.
        created_us: Unix microseconds.
        updated_us: Unix microseconds.
    """

    id: str
    public: bool
    file_size_limit: int | None
    allowed_mime_types: tuple[str, ...] | None
    created_us: int
    updated_us: int

    def as_json(self) -> dict[str, Any]:
        """Return the bucket as its API shows it."""
        return {
            "id": self.id,
            "name": self.id,
            "owner": "",
            "public": self.public,
            "file_size_limit": self.file_size_limit,
            "allowed_mime_types": self.allowed_mime_types,
            "created_at": instant(self.created_us),
            "updated_at": instant(self.updated_us),
        }

    @property
    def largest_bytes(self) -> int:
        """The most bytes that an object may have."""
        return min(self.file_size_limit or LARGEST_OBJECT_BYTES, LARGEST_OBJECT_BYTES)

    def takes(self, content_type: str) -> bool:
        """Say whether objects may have this content type."""
        kind = content_type.partition(";")[0].strip().lower()
        if not self.allowed_mime_types:
            return True
        return any(kind == one or (one.endswith("/*") and kind.startswith(one[:-1])) for one in self.allowed_mime_types)


def instant(us: int) -> str:
    """Write Unix microseconds as ISO 8601."""
    return datetime.fromtimestamp(us / MICROS, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ensure_tables(store: sqlite3.Connection, now_us: int) -> None:
    """Make the tables, and the bucket of the finished videos."""
    store.executescript(TABLES)
    store.execute("INSERT OR IGNORE INTO storage_buckets VALUES (?, 1, NULL, NULL, ?, ?)", (GENERATED, now_us, now_us))


def create_bucket(store: sqlite3.Connection, wanted: NewBucket, now_us: int) -> Bucket:
    """Make a bucket as ``POST /bucket`` asks for it.

    Raises:
        StorageRefusal: the name is not possible, or taken; an option is not of its form.
    """
    name = wanted.name or wanted.id
    if name is None:
        raise StorageRefusal("InvalidRequest", "body must have required property 'name'")
    if not _NAME.fullmatch(name) or name in (".", ".."):
        raise StorageRefusal("InvalidBucketName")
    if find_bucket(store, name) is not None:
        raise StorageRefusal("BucketAlreadyExists")
    kinds = None if wanted.allowed_mime_types is None else json.dumps(wanted.allowed_mime_types)
    row = (name, wanted.public, _size(wanted.file_size_limit), kinds, now_us, now_us)
    store.execute("INSERT INTO storage_buckets VALUES (?, ?, ?, ?, ?, ?)", row)
    made = find_bucket(store, name)
    assert made is not None
    return made


def _size(wanted: int | str | None) -> int | None:
    """Return a limit in bytes; no bucket may take larger objects than the whole storage does."""
    if isinstance(wanted, str):
        found = _SIZE.fullmatch(wanted)
        if found is None:
            raise StorageRefusal("InvalidRequest", "body/file_size_limit must be a number of bytes, or such as 20MB")
        wanted = int(float(found[1]) * _UNITS[(found[2] or "").upper()])
    if wanted is not None and wanted > LARGEST_OBJECT_BYTES:
        raise StorageRefusal("EntityTooLarge")
    return wanted


def find_bucket(store: sqlite3.Connection, bucket_id: str) -> Bucket | None:
    """Find the bucket of a name."""
    row = store.execute("SELECT * FROM storage_buckets WHERE id = ?", (bucket_id,)).fetchone()
    return None if row is None else _bucket(row)


def list_buckets(store: sqlite3.Connection) -> list[Bucket]:
    """List all buckets by name."""
    return [_bucket(row) for row in store.execute("SELECT * FROM storage_buckets ORDER BY id")]


def _bucket(row: sqlite3.Row) -> Bucket:
    kinds = None if row["allowed_mime_types"] is None else tuple(json.loads(row["allowed_mime_types"]))
    limit, made_us, changed_us = row["file_size_limit"], row["created_us"], row["updated_us"]
    return Bucket(row["id"], bool(row["public"]), limit, kinds, made_us, changed_us)
