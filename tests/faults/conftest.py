"""A place to break things in: without Prefect in the quick suite, through the whole of it in the slow one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.place import Place, open_place

_THROUGH_PREFECT = pytest.param("prefect", marks=(pytest.mark.e2e, pytest.mark.slow))


@pytest.fixture
def direct(tmp_path: Path) -> Iterator[Place]:
    """A place without Prefect."""
    with open_place(tmp_path) as opened:
        yield opened


@pytest.fixture(params=["direct", _THROUGH_PREFECT])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place of its own, for either path."""
    url = request.getfixturevalue("prefect_api_url") if request.param == "prefect" else ""
    with open_place(tmp_path, url) as opened:
        yield opened
