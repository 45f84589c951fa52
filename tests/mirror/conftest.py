"""What the mirror's tests share: a server of films, a ledger, and one call that mirrors."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import stamina

from dailies.ledger.entry import LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.mirror.copier import Copier
from dailies.mirror.mirror_run import open_mirror
from dailies.mirror.record import MirroredVideo
from dailies.settings import load_settings
from tests.factories import make_folder
from tests.mirror.film import FilmServer, film_server

# The service is on this machine, so its videos may be, too.
SERVICE = "http://127.0.0.1/v1"
Run = Callable[..., Awaitable[tuple[list[MirroredVideo], Copier]]]


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=4):
        yield


@pytest.fixture
def films() -> Iterator[FilmServer]:
    with film_server() as server:
        yield server


@pytest.fixture
def ledger(tmp_path: Path) -> LedgerFolder:
    return make_folder(tmp_path / "ledger")


@pytest.fixture
def mirror(ledger: LedgerFolder, tmp_path: Path) -> Run:
    """Copy entries to a target, by default the folder ``videos``; what was copied, and the mirror."""

    async def run(
        *entries: LedgerEntry, to: str | None = None, by: str | None = None, decode: bool = False, **settings: Any
    ) -> tuple[list[MirroredVideo], Copier]:
        target = to or str(tmp_path / "videos")
        async with open_mirror(
            ledger, target, load_settings(geekhub_base_url=SERVICE, **settings), decode=decode
        ) as opened:
            copied = await opened.copy_all(await opened.pending(entries, by))
        return copied, opened

    return run


def names(copied: Sequence[MirroredVideo]) -> list[str]:
    """What the copies are called."""
    return [video.name for video in copied]
