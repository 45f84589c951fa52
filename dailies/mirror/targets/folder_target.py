"""A folder as the target: whole files only, and none outside of the folder."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from dailies.errors import MirrorError
from dailies.mirror.target import CHUNK_BYTES, Content, Stored, Target, read_content
from dailies.system.durable import sync_folder


class FolderTarget:
    """A folder on this machine, or on a file system that is mounted here."""

    def __init__(self, root: Path, ledger_id: str) -> None:
        self._root = root.resolve()
        self._drafts = self._root / f".drafts-{ledger_id}"
        self._known: set[Path] = set()

    @property
    def url(self) -> str:
        """The folder's whole path."""
        return str(self._root)

    @property
    def drafts(self) -> Path:
        """A folder on the same file system, so that a whole file only has to be renamed."""
        return self._drafts

    def address(self, name: str) -> str:
        """Return the file's path."""
        return str(self._path(name))

    @property
    def is_shared(self) -> bool:
        """False: a hard link is made by one process only, even if several try."""
        return False

    async def find(self, names: Collection[str]) -> Mapping[str, Stored]:
        """Return those of some names that are files, with their sizes."""
        return await asyncio.to_thread(self._find, frozenset(names))

    async def stat(self, name: str) -> Stored | None:
        """Return a file's size and SHA-256."""
        return await asyncio.to_thread(self._stat, name)

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """Yield a file's content."""
        with self._path(name).open("rb") as file:
            while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                yield chunk

    async def put(self, name: str, draft: Path, content_type: str, content: Content, *, replace: bool) -> bool:  # noqa: ARG002 - needed in a bucket
        """Move a file in; the move is durable when this returns."""
        return await asyncio.to_thread(self._put, name, draft, replace=replace)

    def _path(self, name: str) -> Path:
        path = (self._root / name).resolve()
        if not path.is_relative_to(self._root) or path == self._root:
            raise MirrorError(f"{name!r} would lead out of {self._root}; is there a symbolic link in that folder?")
        return path

    def _find(self, names: frozenset[str]) -> dict[str, Stored]:
        found = {}
        for folder in {name.rpartition("/")[0] for name in names}:
            place = self._path(folder)
            for entry in os.scandir(place) if place.is_dir() else ():
                name = f"{folder}/{entry.name}"
                if name in names and entry.is_file(follow_symlinks=False):
                    found[name] = Stored(entry.stat().st_size)
        return found

    def _stat(self, name: str) -> Stored | None:
        try:
            content = read_content(self._path(name))
        except FileNotFoundError:
            return None
        return Stored(content.size, sha256=content.sha256)

    def _put(self, name: str, draft: Path, *, replace: bool) -> bool:
        path = self._path(name)
        try:
            self._make(path.parent)
            with draft.open("rb+") as file:
                os.fsync(file.fileno())
            if replace:
                draft.replace(path)
            else:
                os.link(draft, path)
        except FileExistsError:
            return False
        except OSError as error:
            raise MirrorError(f"{path} cannot be written: {error.strerror}") from error
        sync_folder(path.parent)
        return True

    def _make(self, folder: Path) -> None:
        if folder not in self._known:
            folder.mkdir(parents=True, exist_ok=True)
            sync_folder(folder.parent)
            self._known.add(folder)


@asynccontextmanager
async def open_folder(root: Path, ledger_id: str) -> AsyncIterator[Target]:
    """Open a folder, make it if it is missing, and remove the drafts of a killed run of the same ledger.

    Raises:
        MirrorError: it cannot be written.
    """
    target = FolderTarget(root, ledger_id)
    try:
        shutil.rmtree(target.drafts, ignore_errors=True)
        target.drafts.mkdir(parents=True)
    except OSError as error:
        raise MirrorError(f"the folder {root} cannot be written: {error.strerror}; choose another one") from error
    try:
        yield target
    finally:
        shutil.rmtree(target.drafts, ignore_errors=True)
