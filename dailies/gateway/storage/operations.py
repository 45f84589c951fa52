"""What a key may do with buckets and objects, and how an upload is taken in."""

from collections.abc import Iterable
from pathlib import Path

from fastapi import Request

from dailies.gateway.gateway import Gateway
from dailies.gateway.request_body import drain
from dailies.gateway.storage.buckets import Bucket, find_bucket
from dailies.gateway.storage.errors import NOT_ALLOWED, StorageRefusal
from dailies.gateway.storage.keys import Role, read_role, require_header
from dailies.gateway.storage.objects import (
    FOLDER,
    StoredObject,
    check_key,
    find_object,
    new_version,
    put_object,
    remove_objects,
)
from dailies.gateway.storage.upload import LARGEST_UPLOAD_BYTES, Upload, read_upload
from dailies.system.private_files import make_private_folder


class StorageOperations:
    """The operations of the storage's routes; each one checks first what the caller's key may do."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.store = gateway.store
        self.folder: Path = gateway.options.data_dir / FOLDER

    def role(self, request: Request) -> Role:
        """Return the role of the caller's key."""
        return read_role(self.store, request.headers.get("authorization"))

    def require_service(self, request: Request) -> None:
        """Refuse every key but the service key: no other may write."""
        if self.role(request) is not Role.SERVICE:
            raise StorageRefusal("AccessDenied", NOT_ALLOWED)

    def bucket(self, request: Request, bucket_id: str) -> Bucket:
        """Find a bucket that this key may see; the anon key sees none."""
        found = find_bucket(self.store, bucket_id) if self.role(request) is Role.SERVICE else None
        if found is None:
            raise StorageRefusal("NoSuchBucket")
        return found

    def readable(self, request: Request, bucket_id: str, key: str) -> StoredObject:
        """Find an object that this key may read. In a public bucket the storage ignores the key."""
        bucket = find_bucket(self.store, bucket_id)
        if bucket is not None and bucket.public:
            return self.object(bucket_id, key)
        authorization = request.headers.get("authorization")
        require_header(authorization)
        try:
            role = read_role(self.store, authorization)
        except StorageRefusal:  # a wrong key sees no bucket
            raise StorageRefusal("NoSuchBucket") from None
        if bucket is None:
            raise StorageRefusal("NoSuchBucket")
        return self.object(bucket_id, key, role)

    def object(self, bucket_id: str, key: str, role: Role = Role.SERVICE) -> StoredObject:
        """Find an object; one that the role may not see is not found."""
        found = find_object(self.store, bucket_id, key) if role is Role.SERVICE else None
        if found is None:
            raise StorageRefusal("NoSuchKey")
        return found

    async def upload(self, request: Request, bucket_id: str, key: str, *, upsert: bool) -> StoredObject:
        """Take an upload in. An early refusal is answered after the body has come to its end.

        As in the real storage, whether the name is free is checked first, and the object stored later: of several
        uploads of one name at once, all may succeed, and the last one stays.
        """
        try:
            self.require_service(request)
            bucket = self.bucket(request, bucket_id)
            check_key(key)
            if not upsert and find_object(self.store, bucket_id, key) is not None:
                raise StorageRefusal("KeyAlreadyExists")
        except StorageRefusal:
            await drain(request.receive, LARGEST_UPLOAD_BYTES)
            raise
        version = new_version()
        make_private_folder(self.folder)
        draft = self.folder / f".{version}"
        try:
            upload = await read_upload(request, draft)
            _check_kind(bucket, upload)
            draft.rename(self.folder / version)
            return self._remember(bucket, key, upload, version)
        finally:
            draft.unlink(missing_ok=True)

    def _remember(self, bucket: Bucket, key: str, upload: Upload, version: str) -> StoredObject:
        now_us = self.gateway.now_us
        new = StoredObject(
            bucket_id=bucket.id,
            key=key,
            id=new_version(),
            version=version,
            place=FOLDER,
            file=version,
            size=upload.size,
            content_type=upload.content_type,
            cache_control=upload.cache_control,
            etag=upload.etag,
            metadata=upload.metadata,
            created_us=now_us,
            updated_us=now_us,
        )
        unneeded = put_object(self.store, new)
        if unneeded is not None:
            (self.folder / unneeded).unlink(missing_ok=True)
        return self.object(bucket.id, key)

    def remove(self, bucket_id: str, keys: Iterable[str]) -> list[StoredObject]:
        """Remove objects and their files; return those that existed."""
        removed = remove_objects(self.store, bucket_id, keys)
        for one in removed:
            if one.place == FOLDER:
                (self.folder / one.file).unlink(missing_ok=True)
        return removed


def _check_kind(bucket: Bucket, upload: Upload) -> None:
    if upload.size > bucket.largest_bytes:
        raise StorageRefusal("EntityTooLarge")
    if not bucket.takes(upload.content_type):
        raise StorageRefusal("InvalidMimeType", f"mime type {upload.content_type} is not supported")
