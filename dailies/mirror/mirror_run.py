"""One mirror run: what is to be copied, in chunks, and what became of it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from dailies.ledger.entry import LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.selection import Selection, finished
from dailies.mirror.copier import Mirror, Order
from dailies.mirror.copy_ledger import copy_books
from dailies.mirror.mirrored import CopyStatus, MirroredVideo
from dailies.mirror.opening import open_mirror
from dailies.settings import Settings

CHUNK = 50

CopyChunk = Callable[[Mirror, Sequence[Order]], Awaitable[list[MirroredVideo]]]
Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class MirrorWish:
    """What a person asks for.

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
    """What a mirror run has done.

    Attributes:
        target: what a person calls the place.
        total: finished videos that were meant.
        looked_at: those that were fetched, each with its problems.
        uploads: objects that were written.
        books: names of the ledger's and results' files that were written.
    """

    target: str
    total: int
    looked_at: tuple[MirroredVideo, ...]
    uploads: int
    books: tuple[str, ...] = ()

    @property
    def statuses(self) -> Counter[CopyStatus]:
        """Looked-at videos by what became of them."""
        return Counter(video.status for video in self.looked_at)

    @property
    def short(self) -> tuple[MirroredVideo, ...]:
        """Videos that are not what was paid, or could not be copied."""
        return tuple(video for video in self.looked_at if video.status is not CopyStatus.COPIED)

    @property
    def exit_code(self) -> int:
        """0: everything is there and as it was paid; 1: something is not."""
        return 1 if self.short else 0


async def copy_chunk(mirror: Mirror, orders: Sequence[Order]) -> list[MirroredVideo]:
    """Copy some videos and note them."""
    return await mirror.copy_all(orders)


async def mirror_videos(
    ledger: LedgerFolder,
    entries: Sequence[LedgerEntry],
    wish: MirrorWish,
    settings: Settings,
    *,
    copy: CopyChunk = copy_chunk,
    tell: Tell | None = None,
) -> MirrorOutcome:
    """Copy what is finished among some entries and not at the target yet.

    Args:
        ledger: whose entries these are.
        entries: any; those without a video are passed over.
        wish: where to, and how.
        settings: where Supabase is, how many videos at a time.
        copy: who carries a chunk out: a Prefect task in a flow.
        tell: called with how many of how many are done.

    Raises:
        MirrorError: the target cannot be used.
        LedgerError: somebody else is copying there.
    """
    wanted = finished(entries)
    async with open_mirror(ledger, wish.to, settings, decode=wish.decode) as mirror:
        orders = await mirror.orders(wanted, wish.by)
        looked_at = await _copy_in_chunks(mirror, orders, copy, tell)
        books = await copy_books(mirror, ledger, settings) if wish.with_ledger else ()
        return MirrorOutcome(mirror.target.url, len(wanted), tuple(looked_at), mirror.uploads, books)


async def _copy_in_chunks(
    mirror: Mirror, orders: Sequence[Order], copy: CopyChunk, tell: Tell | None
) -> list[MirroredVideo]:
    """Every chunk is noted when it is done, so a killed run loses little; no slot idles at a chunk's end."""
    looked_at: list[MirroredVideo] = []
    chunks = [orders[begin : begin + CHUNK] for begin in range(0, len(orders), CHUNK)]
    work = [asyncio.ensure_future(copy(mirror, chunk)) for chunk in chunks]
    try:
        for chunk in asyncio.as_completed(work):
            looked_at += await chunk
            if tell is not None:
                tell(len(looked_at), len(orders))
    finally:
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
    order = {video.entry.job_id: number for number, video in enumerate(orders)}
    return sorted(looked_at, key=lambda video: order[video.job_id])
