"""A ledger for each test, and retries that do not wait."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina

from dailies.ledger.folder import LedgerFolder
from tests.factories import make_folder


@pytest.fixture(autouse=True)
def _no_waits() -> Iterator[None]:
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    return make_folder(tmp_path / "ledger")
