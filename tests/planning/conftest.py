"""What the tests of planning share: a new ledger."""

from pathlib import Path

import pytest

from dailies.ledger.folder import LedgerFolder
from tests.factories import (
    make_folder,
)


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    return make_folder(tmp_path / "ledger")
