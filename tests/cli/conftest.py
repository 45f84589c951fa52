"""What the tests of the command share: a place with a sandbox and a small CSV."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from dailies.gateway.testing import RunningSandbox
from tests.cli.place import Place


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: RunningSandbox) -> Iterator[Place]:
    with contextlib.ExitStack() as stack:
        made = Place(tmp_path, monkeypatch, sandbox, stack)
        made.csv("prompt\na lighthouse\na harbour\n")
        made.set(
            GEEKHUB_API_KEY=sandbox.api_key,
            GEEKHUB_BASE_URL=sandbox.base_url,
            DAILIES_FX="*=20",
            DAILIES_REQUEST_TIMEOUT_S="5",
        )
        yield made
