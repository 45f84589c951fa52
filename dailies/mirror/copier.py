"""Copies finished videos to a target: in parallel, each checked, none of them twice."""

import asyncio
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx

from dailies.errors import DeliveryError, MirrorError, TransportError
from dailies.ledger.entry import LedgerEntry
from dailies.mirror.checks import Download, find_shortfalls
from dailies.mirror.fetch import describe_download, fetch_video
from dailies.mirror.names import has_job, name_videos, other_name
from dailies.mirror.probe import Footage, probe_confined
from dailies.mirror.record import CopyStatus, MirroredVideo, MirrorRecord
from dailies.mirror.target import Stored, Target, find_same, put_verified
from dailies.system.confined import Confined

# After so many videos in a row without an answer, the storage of the videos or the target is down.
MOST_SILENT = 20


@dataclass(frozen=True, slots=True)
class PendingCopy:
    """One video that is to be copied.

    Attributes:
        entry: the completed entry of the ledger.
        name: the copy's name at the target.
        is_ours: whether an earlier run of this ledger stored the object of that name, so that it may be replaced.
    """

    entry: LedgerEntry
    name: str
    is_ours: bool


class Copier:
    """Copies videos to one open target.

    Attributes:
        target: where the copies go.
        record: what earlier runs copied; ``copy_all`` adds to it.
        decode: whether every picture is decoded.
        uploads: objects written to the target so far.
        drafts: a folder for unfinished files.
    """

    def __init__(
        self,
        target: Target,
        record: MirrorRecord,
        http: httpx.AsyncClient,
        readers: Confined,
        drafts: Path,
        *,
        parallel: int,
        decode: bool,
    ) -> None:
        self.target = target
        self.record = record
        self.decode = decode
        self.uploads = 0
        self._http = http
        self._readers = readers
        self.drafts = drafts
        self._slots = asyncio.Semaphore(parallel)
        self._saving = asyncio.Lock()
        self._silent = 0
        self._stopped_by: MirrorError | None = None
        self._stored: Mapping[str, Stored] = {}

    async def pending(self, entries: Sequence[LedgerEntry], by: str | None = None) -> list[PendingCopy]:
        """Return what is still to be copied, in the ledger's order: new, short, changed and missing videos."""
        done = self.record.videos
        with_job = self.target.is_shared
        names = name_videos(entries, {job_id: video.name for job_id, video in done.items()}, by, with_job=with_job)
        wanted = {names[entry.job_id or ""]: entry for entry in entries}
        self._stored = await self.target.find(wanted)
        return [
            PendingCopy(entry, name, self._is_ours(entry, name))
            for name, entry in wanted.items()
            if not self._is_done(done.get(entry.job_id or ""), self._stored.get(name))
        ]

    def _is_ours(self, entry: LedgerEntry, name: str) -> bool:
        """Return whether an object may be replaced: an earlier run stored it, and no other ledger can have."""
        recorded = self.record.videos.get(entry.job_id or "")
        if recorded is None or recorded.status is CopyStatus.MISSING:
            return False
        return has_job(name, entry) or not self.target.is_shared

    def _is_done(self, recorded: MirroredVideo | None, stored: Stored | None) -> bool:
        if recorded is None or stored is None or recorded.status is not CopyStatus.COPIED:
            return False
        is_unchanged = stored.etag in (None, recorded.target_etag, recorded.md5)
        return stored.size == recorded.size and is_unchanged and (recorded.decoded or not self.decode)

    async def copy(self, item: PendingCopy) -> MirroredVideo:
        """Fetch, check and store one video; ``problems`` of the result says what is wrong with it.

        A video that falls short is stored all the same: nothing better was delivered for the money. What is no video
        is not stored.

        Raises:
            MirrorError: the target takes nothing more.
        """
        async with self._slots:
            if self._stopped_by is not None:
                raise self._stopped_by
            try:
                return await self._copy(item)
            except MirrorError as error:
                self._stopped_by = error
                raise

    async def _copy(self, item: PendingCopy) -> MirroredVideo:
        draft = self.drafts / f"{secrets.token_hex(8)}.part"
        try:
            headers = await fetch_video(self._http, item.entry.video_url or "", draft)
            download = await asyncio.to_thread(describe_download, headers, draft)
            footage = await probe_confined(self._readers, draft, decode=self.decode)
            if footage.content_type is None:
                return self._missing(item, *find_shortfalls(item.entry, download, footage))
            name, stored = await self._store(item, draft, download, footage.content_type)
            video = self._copied(item, name, stored, download, footage)
        except DeliveryError as error:
            return self._missing(item, str(error))
        except TransportError as error:
            self._count_silence(error)
            return self._missing(item, str(error))
        except MirrorError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the other videos go on
            self._count_silence(error)
            return self._missing(item, f"{type(error).__name__}: {error}")
        finally:
            draft.unlink(missing_ok=True)
        self._silent = 0
        return video

    def _count_silence(self, error: Exception) -> None:
        self._silent += 1
        if self._silent >= MOST_SILENT:
            raise MirrorError(
                f"{MOST_SILENT} videos in a row got no answer ({error}); run the same command later to continue"
            )

    async def copy_all(self, items: Iterable[PendingCopy]) -> list[MirroredVideo]:
        """Copy some videos at once and record them together."""
        copies = await asyncio.gather(*map(self.copy, items), return_exceptions=True)
        copied = [copy for copy in copies if isinstance(copy, MirroredVideo)]
        async with self._saving:
            await asyncio.to_thread(self.record.save, copied)
        for copy in copies:
            if isinstance(copy, BaseException):
                raise copy
        return copied

    async def _store(self, item: PendingCopy, draft: Path, download: Download, content_type: str) -> tuple[str, Stored]:
        """Store a file under its name, or under another if something else has that name."""
        for name in (item.name, other_name(item.name, item.entry)):
            if name in self._stored and (stored := await find_same(self.target, name, download.content)):
                return name, stored
            if name in self._stored and not item.is_ours:
                continue
            stored = await put_verified(self.target, name, draft, content_type, download.content, replace=item.is_ours)
            if stored is not None:
                self.uploads += 1
                return name, stored
            if (stored := await find_same(self.target, name, download.content)) is not None:
                return name, stored
        raise DeliveryError(f"{self.target.address(name)} exists already and is another video")

    def _copied(
        self, item: PendingCopy, name: str, stored: Stored, download: Download, footage: Footage
    ) -> MirroredVideo:
        problems = find_shortfalls(item.entry, download, footage)
        return replace(
            self._missing(item),
            status=CopyStatus.SHORT if problems else CopyStatus.COPIED,
            name=name,
            address=self.target.address(name),
            problems=problems,
            size=download.content.size,
            content_type=download.content_type,
            etag=download.etag or None,
            target_etag=stored.etag,
            md5=download.content.md5,
            sha256=download.content.sha256,
            duration_s=footage.readable_s,
            width=footage.width,
            height=footage.height,
            has_audio=footage.has_audio,
            decoded=footage.decoded,
        )

    def _missing(self, item: PendingCopy, *problems: str) -> MirroredVideo:
        return MirroredVideo(
            job_id=item.entry.job_id or "",
            target=self.target.url,
            status=CopyStatus.MISSING,
            name=item.name,
            row_key=item.entry.row_key,
            attempt=item.entry.attempt,
            video_url=item.entry.video_url,
            problems=problems,
            checked_at=datetime.now(UTC),
        )
