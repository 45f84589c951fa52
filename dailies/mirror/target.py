"""What every target of the mirror can do, whether it is a folder or a bucket."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Stored:
    """What a target holds under a name: its bytes, and the MD5 of the content if the target knows it."""

    size: int
    md5: str | None = None


class Target(Protocol):
    """A place for copies. Names are as ``dailies.mirror.names`` makes them."""

    @property
    def url(self) -> str:
        """The target's name for a person: the same place always has the same name, and no secret is in it."""

    @property
    def drafts(self) -> Path | None:
        """The target's own folder for unfinished files; None if any folder will do."""

    def address(self, name: str) -> str:
        """Return where people find an object: a path, or a URL."""

    async def list_folders(self, folders: Iterable[str]) -> Mapping[str, Stored]:
        """Return what some folders (of names) hold, by name."""

    async def stat(self, name: str) -> Stored | None:
        """Return one object with its MD5, None if there is none."""

    async def put(self, name: str, draft: Path, content_type: str, *, replace: bool) -> bool:
        """Store a file whole and durably; return False if the name is taken and must not be replaced."""
