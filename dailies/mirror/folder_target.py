"""A folder as the target: whole files only, and none outside of the folder."""

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from dailies.errors import MirrorError
from dailies.mirror.target import Stored, Target
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

    async def list_folders(self, folders: Iterable[str]) -> Mapping[str, Stored]:
        """Return the files in some folders by name, with their sizes."""
        return await asyncio.to_thread(self._list_folders, set(folders))

    async def stat(self, name: str) -> Stored | None:
        """Return a file's size and MD5."""
        return await asyncio.to_thread(self._stat, name)

    async def put(self, name: str, draft: Path, content_type: str, *, replace: bool) -> bool:  # noqa: ARG002 - a bucket's
        """Move a file in; the move is durable when this returns."""
        return await asyncio.to_thread(self._put, name, draft, replace=replace)

    def _path(self, name: str) -> Path:
        path = (self._root / name).resolve()
        if not path.is_relative_to(self._root) or path == self._root:
            raise MirrorError(f"{name!r} would lead out of {self._root}; is there a symbolic link in that folder?")
        return path

    def _list_folders(self, folders: set[str]) -> dict[str, Stored]:
        found = {}
        for folder in folders:
            place = self._path(folder)
            for entry in os.scandir(place) if place.is_dir() else ():
                if entry.is_file(follow_symlinks=False):
                    found[f"{folder}/{entry.name}"] = Stored(entry.stat().st_size)
        return found

    def _stat(self, name: str) -> Stored | None:
        try:
            with self._path(name).open("rb") as file:
                digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
                return Stored(file.tell(), digest.hexdigest())
        except FileNotFoundError:
            return None

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
