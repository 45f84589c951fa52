"""Opening a mirror: its target, its record, and the right to be the only one that copies."""

import contextlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from dailies.ledger.folder import LedgerFolder
from dailies.mirror.copier import Mirror
from dailies.mirror.open_target import open_target, target_name
from dailies.mirror.record import MirrorRecord
from dailies.settings import Settings

DOWNLOAD_TIMEOUT_S = 60.0


@asynccontextmanager
async def open_mirror(
    ledger: LedgerFolder, to: str, settings: Settings, *, decode: bool = False
) -> AsyncIterator[Mirror]:
    """A target, ready to be copied to; nobody else copies to it from this ledger until the block ends.

    Args:
        ledger: whose videos these are; the record lies beside it.
        to: a folder, or ``supabase://bucket/prefix``.
        settings: where Supabase is, how many videos at a time.
        decode: whether every picture is decoded.

    Raises:
        MirrorError: the target cannot be used.
        LedgerError: somebody else is copying there.
    """
    record = MirrorRecord(ledger.path, target_name(to, settings))
    whose = ledger.identity.ledger_id
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(record.hold())
        target = await stack.enter_async_context(open_target(to, settings, whose))
        drafts = target.drafts or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dailies-")))
        limits = httpx.Limits(max_connections=settings.mirror_parallel)
        http = httpx.AsyncClient(timeout=DOWNLOAD_TIMEOUT_S, limits=limits, follow_redirects=True)
        await stack.enter_async_context(http)
        yield Mirror(target, record, http, drafts, parallel=settings.mirror_parallel, decode=decode)
