"""One mirror run: open the target, copy in chunks what is not there yet, return the outcome."""

import asyncio
import contextlib
import os
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from dailies.ledger.entry import LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.selection import Selection, finished
from dailies.mirror.copier import Copier, PendingCopy
from dailies.mirror.copy_ledger import LedgerCopy, copy_ledger_files
from dailies.mirror.open_target import open_target, target_name
from dailies.mirror.probe import DEADLINE_S, FUNCTION
from dailies.mirror.record import CopyStatus, MirroredVideo, MirrorRecord
from dailies.settings import Settings
from dailies.system.confined import confine
from dailies.system.network import guarded_client, is_local_service

CHUNK = 50
DOWNLOAD_TIMEOUT_S = 60.0

CopyChunk = Callable[[Copier, Sequence[PendingCopy]], Awaitable[list[MirroredVideo]]]
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class MirrorRequest:
    """What a mirror run is to copy, and where to.

    Attributes:
        to: a folder, or ``supabase://bucket/prefix``.
        selection: which part of the ledger.
        by: the ``meta.`` column that names the folders.
        decode: whether every picture is decoded.
        with_ledger: whether the ledger, the results and the reports are copied, too.
    """

    to: str
    selection: Selection
    by: str | None = None
    decode: bool = False
    with_ledger: bool = False


@dataclass(frozen=True, slots=True)
class MirrorOutcome:
    """What a mirror run did.

    Attributes:
        target: the target's name for a person.
        total: finished videos of the selection.
        videos: those that the run fetched, each with its problems.
        uploads: objects that the run wrote.
        ledger: what became of the ledger's files.
    """

    target: str
    total: int
    videos: tuple[MirroredVideo, ...]
    uploads: int
    ledger: LedgerCopy

    @property
    def statuses(self) -> Counter[CopyStatus]:
        """The number of fetched videos by status."""
        return Counter(video.status for video in self.videos)

    @property
    def short(self) -> tuple[MirroredVideo, ...]:
        """Videos that are not what was paid for, or could not be copied."""
        return tuple(video for video in self.videos if video.status is not CopyStatus.COPIED)

    @property
    def exit_code(self) -> int:
        """0 if everything is there and every video is what was paid for, else 1."""
        return 1 if self.short or self.ledger.problems else 0


@asynccontextmanager
async def open_mirror(
    ledger: LedgerFolder, to: str, settings: Settings, *, decode: bool = False
) -> AsyncIterator[Copier]:
    """Open a target, and keep other mirrors of this ledger from it until the block ends.

    Args:
        ledger: the ledger of the videos; the record lies beside it.
        to: a folder, or ``supabase://bucket/prefix``.
        settings: where Supabase is, and how many videos are copied at a time.
        decode: whether every picture is decoded.

    Raises:
        MirrorError: the target cannot be used.
        LedgerError: another mirror of this ledger is copying there.
    """
    record = MirrorRecord(ledger.path, target_name(to, settings))
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(record.hold())
        target = await stack.enter_async_context(open_target(to, settings, ledger.identity.ledger_id))
        drafts = target.drafts or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dailies-")))
        limits = httpx.Limits(max_connections=settings.mirror_parallel)
        allow_local = await asyncio.to_thread(is_local_service, settings.geekhub_base_url)
        http = guarded_client(allow_local=allow_local, timeout=DOWNLOAD_TIMEOUT_S, limits=limits)
        await stack.enter_async_context(http)
        readers = await stack.enter_async_context(confine(FUNCTION, os.cpu_count() or 1, DEADLINE_S))
        yield Copier(target, record, http, readers, drafts, parallel=settings.mirror_parallel, decode=decode)


async def copy_chunk(copier: Copier, copies: Sequence[PendingCopy]) -> list[MirroredVideo]:
    """Copy one chunk and record it."""
    return await copier.copy_all(copies)


async def mirror_videos(
    ledger: LedgerFolder,
    entries: Sequence[LedgerEntry],
    request: MirrorRequest,
    settings: Settings,
    *,
    copy: CopyChunk = copy_chunk,
    on_progress: OnProgress | None = None,
) -> MirrorOutcome:
    """Copy the finished videos of some entries that the target does not have yet.

    Args:
        ledger: the ledger of the entries.
        entries: any; those without a video are skipped.
        request: what to copy, and where to.
        settings: where Supabase is, and how many videos are copied at a time.
        copy: copies one chunk; in a flow this is a Prefect task.
        on_progress: called with the number of videos done and the number of all.

    Raises:
        MirrorError: the target cannot be used.
        LedgerError: another mirror of this ledger is copying there.
    """
    wanted = finished(entries)
    async with open_mirror(ledger, request.to, settings, decode=request.decode) as copier:
        pending = await copier.pending(wanted, request.by)
        videos = await _copy_in_chunks(copier, pending, copy, on_progress)
        copied = await copy_ledger_files(copier, ledger, settings) if request.with_ledger else LedgerCopy()
        return MirrorOutcome(copier.target.url, len(wanted), tuple(videos), copier.uploads, copied)


async def _copy_in_chunks(
    copier: Copier, pending: Sequence[PendingCopy], copy: CopyChunk, on_progress: OnProgress | None
) -> list[MirroredVideo]:
    """Copy all chunks at once. Each is recorded when it is done, so that a killed run loses little."""
    videos: list[MirroredVideo] = []
    chunks = [pending[begin : begin + CHUNK] for begin in range(0, len(pending), CHUNK)]
    work = [asyncio.ensure_future(copy(copier, chunk)) for chunk in chunks]
    try:
        for chunk in asyncio.as_completed(work):
            videos += await chunk
            if on_progress is not None:
                on_progress(len(videos), len(pending))
    finally:
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
    position = {item.entry.job_id: number for number, item in enumerate(pending)}
    return sorted(videos, key=lambda video: position[video.job_id])
