"""What the tests of the ledger share: a new ledger, and a claimed batch with its journal."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal_writer import Journal, create_journal
from tests.factories import BATCH, make_folder, make_manifest
from tests.ledger.journals import ROWS


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    return make_folder(tmp_path / "ledger")


@pytest.fixture
def path(folder: LedgerFolder) -> Path:
    """A batch of three rows that was claimed; its claimer has released it."""
    create_journal(folder.journals, make_manifest(*ROWS)).release()
    return folder.journals / BATCH


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[Journal]:
    journal = Journal.own(path, "me")
    yield journal
    await journal.settle()
    journal.close()
