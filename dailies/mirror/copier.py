"""Copying finished videos to a target: in parallel, each checked, none of them twice."""

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
from dailies.mirror.mirrored import CopyStatus, MirroredVideo
from dailies.mirror.names import name_videos, other_name
from dailies.mirror.probe import Footage, probe_video
from dailies.mirror.record import MirrorRecord
from dailies.mirror.target import Stored, Target

MOST_SILENT = 20


@dataclass(frozen=True, slots=True)
class Order:
    """One video to copy.

    Attributes:
        entry: the ledger's; completed.
        name: what it is called at the target.
        is_ours: whether this ledger has put something under that name before, so that it may be replaced.
    """

    entry: LedgerEntry
    name: str
    is_ours: bool


class Mirror:
    """An open target, and what is known of it.

    Attributes:
        target: the place.
        record: what was copied before; ``save`` notes what is copied now.
        decode: whether every picture is decoded.
        uploads: objects written to the target so far.
        drafts: a folder for files that are not whole yet.
    """

    def __init__(
        self,
        target: Target,
        record: MirrorRecord,
        http: httpx.AsyncClient,
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
        self.drafts = drafts
        self._slots = asyncio.Semaphore(parallel)
        self._saving = asyncio.Lock()
        self._silent = 0
        self._stopped_by: MirrorError | None = None
        self._there: Mapping[str, Stored] = {}

    async def orders(self, entries: Sequence[LedgerEntry], by: str | None = None) -> list[Order]:
        """What is still to be copied, in the ledger's order: new videos, those that fell short, those that are gone."""
        done = self.record.videos
        names = name_videos(entries, {job_id: video.name for job_id, video in done.items()}, by)
        wanted = {names[entry.job_id or ""]: entry for entry in entries}
        self._there = await self.target.listing({name.rpartition("/")[0] for name in wanted})
        return [
            Order(entry, name, entry.job_id in done and done[entry.job_id].status is not CopyStatus.MISSING)
            for name, entry in wanted.items()
            if not self._is_done(done.get(entry.job_id or ""), self._there.get(name))
        ]

    def _is_done(self, known: MirroredVideo | None, there: Stored | None) -> bool:
        if known is None or there is None or known.status is not CopyStatus.COPIED:
            return False
        is_whole = there.size == known.size and there.md5 in (None, known.md5)
        return is_whole and (known.decoded or not self.decode)

    async def copy(self, order: Order) -> MirroredVideo:
        """Fetch, check and store one video; what is wrong with it stands in its ``problems``.

        A video that fell short is stored all the same: it is all there is of what was paid.

        Raises:
            MirrorError: the target takes nothing more.
        """
        async with self._slots:
            if self._stopped_by is not None:
                raise self._stopped_by
            try:
                return await self._copy(order)
            except MirrorError as error:
                self._stopped_by = error
                raise

    async def _copy(self, order: Order) -> MirroredVideo:
        draft = self.drafts / f"{secrets.token_hex(8)}.part"
        try:
            headers = await fetch_video(self._http, order.entry.video_url or "", draft)
            download = await asyncio.to_thread(describe_download, headers, draft)
            footage = await asyncio.to_thread(probe_video, draft, decode=self.decode)
            name = await self._store(order, draft, download)
        except DeliveryError as error:
            return self._missing(order, str(error))
        except TransportError as error:
            self._count_silence(error)
            return self._missing(order, str(error))
        finally:
            draft.unlink(missing_ok=True)
        self._silent = 0
        return self._copied(order, name, download, footage)

    def _count_silence(self, error: TransportError) -> None:
        """Where one video after the other gets no answer, the storage is away: a later run is the remedy."""
        self._silent += 1
        if self._silent >= MOST_SILENT:
            raise MirrorError(f"the storage of the videos does not answer ({error}); the same command goes on later")

    async def copy_all(self, orders: Iterable[Order]) -> list[MirroredVideo]:
        """Copy some videos at once, and note them together."""
        copies = await asyncio.gather(*map(self.copy, orders), return_exceptions=True)
        copied = [copy for copy in copies if isinstance(copy, MirroredVideo)]
        async with self._saving:
            await asyncio.to_thread(self.record.save, copied)
        for copy in copies:
            if isinstance(copy, BaseException):
                raise copy
        return copied

    async def _store(self, order: Order, draft: Path, download: Download) -> str:
        """Bring a file under its name, or, where a stranger has that one, under another; the name it has got."""
        content_type = download.content_type or "application/octet-stream"
        name = order.name
        for name in (order.name, other_name(order.name, order.entry)):
            if name in self._there and await self._holds(name, download):
                return name
            if name not in self._there or order.is_ours:
                self.uploads += 1
                if await self.target.put(name, draft, content_type, replace=order.is_ours):
                    return name
                self.uploads -= 1
                if await self._holds(name, download):
                    return name
        raise DeliveryError(f"{self.target.address(name)} is there already, and it is not this video")

    async def _holds(self, name: str, download: Download) -> bool:
        return await self.target.look(name) == Stored(download.size, download.md5)

    def _copied(self, order: Order, name: str, download: Download, footage: Footage) -> MirroredVideo:
        problems = find_shortfalls(order.entry, download, footage)
        return replace(
            self._missing(order),
            status=CopyStatus.SHORT if problems else CopyStatus.COPIED,
            name=name,
            address=self.target.address(name),
            problems=problems,
            size=download.size,
            content_type=download.content_type,
            etag=download.etag or None,
            md5=download.md5,
            sha256=download.sha256,
            duration_s=footage.readable_s,
            width=footage.width,
            height=footage.height,
            has_audio=footage.has_audio,
            decoded=footage.decoded,
        )

    def _missing(self, order: Order, *problems: str) -> MirroredVideo:
        return MirroredVideo(
            job_id=order.entry.job_id or "",
            target=self.target.url,
            status=CopyStatus.MISSING,
            name=order.name,
            row_key=order.entry.row_key,
            attempt=order.entry.attempt,
            video_url=order.entry.video_url,
            problems=problems,
            checked_at=datetime.now(UTC),
        )
