"""What a target of the mirror can do: a folder and a bucket both have this interface."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Stored:
    """What a target holds under a name: bytes, and the MD5 of the content where it can be told without reading."""

    size: int
    md5: str | None = None


class Target(Protocol):
    """A place for copies. Names are as ``dailies.mirror.names`` makes them."""

    @property
    def url(self) -> str:
        """What a person calls it; the same place is always called the same, and no secret is in it."""

    @property
    def drafts(self) -> Path | None:
        """A folder of its own for files that are not whole yet; None if any will do."""

    def address(self, name: str) -> str:
        """Where people find an object: a path, or a URL."""

    async def listing(self, folders: Iterable[str]) -> Mapping[str, Stored]:
        """What is there in some folders (of names), by name."""

    async def look(self, name: str) -> Stored | None:
        """One object with its MD5, None if there is none."""

    async def put(self, name: str, draft: Path, content_type: str, *, replace: bool) -> bool:
        """Store a file whole, durably; False if another object has the name and is not to be replaced."""
