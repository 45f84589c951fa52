"""What every target of the mirror can do, and how the mirror makes sure that an object holds what it should."""

import hashlib
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dailies.errors import DeliveryError

CHUNK_BYTES = 1024**2


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a file: its bytes, MD5 and SHA-256, hexadecimal."""

    size: int
    md5: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What a target says of an object.

    Attributes:
        size: bytes.
        etag: the target's ETag, without quotes, in lower case; None if it gives none. The MD5 of the content, or not:
            stores make it from parts, keys or times, too. An object whose ETag is the same is unchanged.
        sha256: of the content, from the object's own metadata, or read just now; None if unknown.
    """

    size: int
    etag: str | None = None
    sha256: str | None = None

    def is_same(self, content: Content) -> bool | None:
        """Return whether the object has this content; None if only reading it can tell."""
        if self.size != content.size:
            return False
        if self.sha256 is not None:
            return self.sha256 == content.sha256
        return True if self.etag == content.md5 else None


class Target(Protocol):
    """A place for copies. Names are as ``dailies.mirror.names`` makes them."""

    @property
    def url(self) -> str:
        """The target's name for a person: the same place always has the same name, and no secret is in it."""

    @property
    def drafts(self) -> Path | None:
        """The target's own folder for unfinished files; None if any folder will do."""

    @property
    def is_shared(self) -> bool:
        """Whether others may write there at the same moment and no lock keeps them apart."""

    def address(self, name: str) -> str:
        """Return where people find an object: a path, or a URL."""

    async def find(self, names: Collection[str]) -> Mapping[str, Stored]:
        """Return those of some names that exist."""

    async def stat(self, name: str) -> Stored | None:
        """Return what is known of one object, None if it does not exist."""

    def read(self, name: str) -> AsyncIterator[bytes]:
        """Yield the content of an object."""

    async def put(self, name: str, draft: Path, content_type: str, content: Content, *, replace: bool) -> bool:
        """Store a file whole and durably; return False if the name is taken and must not be replaced.

        Raises:
            DeliveryError: the target refuses this file.
            MirrorError: the target takes nothing more.
            TransportError: no clear answer.
        """


def read_content(path: Path) -> Content:
    """Read a file whole and return its content's facts. Blocks: run it in a thread."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            size += len(chunk)
            md5.update(chunk)
            sha256.update(chunk)
    return Content(size, md5.hexdigest(), sha256.hexdigest())


async def find_same(target: Target, name: str, content: Content) -> Stored | None:
    """Return an object if it has this content, else None. Reads it back if the target cannot tell."""
    stored = await target.stat(name)
    if stored is None:
        return None
    is_same = stored.is_same(content)
    if is_same is None:
        digest = hashlib.sha256()
        async for chunk in target.read(name):
            digest.update(chunk)
        is_same = digest.hexdigest() == content.sha256
    return stored if is_same else None


async def put_verified(
    target: Target, name: str, draft: Path, content_type: str, content: Content, *, replace: bool
) -> Stored | None:
    """Store a file and make sure that it is there; return None if the name is taken and must not be replaced.

    Raises:
        DeliveryError: the target refuses the file, or holds something else after the upload.
        MirrorError, TransportError: as ``Target.put``.
    """
    if not await target.put(name, draft, content_type, content, replace=replace):
        return None
    if not target.is_shared:  # a folder: what was renamed there is what was written
        return Stored(content.size)
    stored = await find_same(target, name, content)
    if stored is None:
        raise DeliveryError(f"{target.address(name)} holds something else after the upload; the next run tries again")
    return stored


def clean_etag(etag: object) -> str | None:
    """Return an ETag without its quotes and weakness, in lower case; None if there is none."""
    return str(etag or "").removeprefix("W/").strip('"').lower() or None
