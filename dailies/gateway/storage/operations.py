"""Who may do what with buckets and objects, and how an upload is taken in."""

import json
from pathlib import Path
from typing import Any

from fastapi import Request

from dailies.gateway.gateway import Gateway
from dailies.gateway.storage.buckets import Bucket, find_bucket
from dailies.gateway.storage.errors import NOT_ALLOWED, StorageRefusal
from dailies.gateway.storage.keys import Role, read_role, require_header
from dailies.gateway.storage.objects import FOLDER, StoredObject, check_key, find_object, new_version, put_object
from dailies.gateway.storage.upload import Upload, drain, read_upload


class Desk:
    """Who may do what: every route asks here first."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.store = gateway.store
        self.folder: Path = gateway.options.data_dir / FOLDER

    def role(self, request: Request) -> Role:
        """Whose key it is."""
        return read_role(self.store, request.headers.get("authorization"))

    def require_service(self, request: Request) -> None:
        """Only the service key may write."""
        if self.role(request) is not Role.SERVICE:
            raise StorageRefusal("AccessDenied", NOT_ALLOWED)

    def bucket(self, request: Request, bucket_id: str) -> Bucket:
        """A bucket that this key may see; the anon key sees none."""
        found = find_bucket(self.store, bucket_id) if self.role(request) is Role.SERVICE else None
        if found is None:
            raise StorageRefusal("NoSuchBucket")
        return found

    def readable(self, request: Request, bucket_id: str, key: str) -> StoredObject:
        """An object that this key may read. In a public bucket the key is not even looked at."""
        authorization = request.headers.get("authorization")
        require_header(authorization)
        bucket = find_bucket(self.store, bucket_id)
        is_public = bucket is not None and bucket.public
        role = Role.SERVICE if is_public else read_role(self.store, authorization)
        if bucket is None:
            raise StorageRefusal("NoSuchBucket")
        return self.object(bucket_id, key, role)

    def object(self, bucket_id: str, key: str, role: Role = Role.SERVICE) -> StoredObject:
        """An object; what a key may not see is not there."""
        found = find_object(self.store, bucket_id, key) if role is Role.SERVICE else None
        if found is None:
            raise StorageRefusal("NoSuchKey")
        return found

    async def store_upload(self, request: Request, bucket_id: str, key: str, *, upsert: bool) -> StoredObject:
        """Take an upload in. An early refusal waits until the body has come to its end."""
        try:
            self.require_service(request)
            bucket = self.bucket(request, bucket_id)
            check_key(key)
        except StorageRefusal:
            await drain(request)
            raise
        version = new_version()
        self.folder.mkdir(exist_ok=True)
        draft = self.folder / f".{version}"
        try:
            upload = await read_upload(request, draft)
            _check_kind(bucket, upload)
            draft.rename(self.folder / version)
            return self._remember(bucket, key, upload, version, upsert=upsert)
        finally:
            draft.unlink(missing_ok=True)

    def _remember(self, bucket: Bucket, key: str, upload: Upload, version: str, *, upsert: bool) -> StoredObject:
        now_us = self.gateway.now_us
        new = StoredObject(
            bucket.id,
            key,
            new_version(),
            version,
            FOLDER,
            version,
            upload.size,
            upload.content_type,
            upload.cache_control,
            upload.md5,
            upload.metadata,
            now_us,
            now_us,
        )
        try:
            unneeded = put_object(self.store, new, upsert=upsert)
        except StorageRefusal:
            (self.folder / version).unlink()
            raise
        if unneeded is not None:
            (self.folder / unneeded).unlink(missing_ok=True)
        return self.object(bucket.id, key)


def _check_kind(bucket: Bucket, upload: Upload) -> None:
    if upload.size > bucket.largest_bytes:
        raise StorageRefusal("EntityTooLarge")
    if not bucket.takes(upload.content_type):
        raise StorageRefusal("InvalidMimeType", f"mime type {upload.content_type} is not supported")


async def read_json(request: Request) -> dict[str, Any]:
    """The body, a JSON object.

    Raises:
        StorageRefusal: it is none.
    """
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError:
        raise StorageRefusal("InvalidRequest", "the body is not valid JSON") from None
    if not isinstance(body, dict):
        raise StorageRefusal("InvalidRequest", "body must be object")
    return body
