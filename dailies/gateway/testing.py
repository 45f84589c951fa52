"""The sandbox for tests: a real server in a thread, a clock that can be turned, and the truth.

``from dailies.gateway.testing import sandbox`` in a ``conftest.py`` gives the fixture.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dailies.gateway.hosting.foreground import open_sandbox
from dailies.gateway.options import SandboxOptions
from dailies.gateway.running import RunningSandbox, TurnableClock
from dailies.gateway.thread import serve_in_thread

__all__ = ["RunningSandbox", "TurnableClock", "running_sandbox", "sandbox"]

TEST_SPEED = 200.0


@contextmanager
def running_sandbox(data_dir: Path, **options: Any) -> Iterator[RunningSandbox]:
    """Run a sandbox in a thread of this process until the block ends.

    Args:
        data_dir: its folder; the same one again continues where the last block ended.
        options: any of ``SandboxOptions``. Here the speed is 200 and videos are plain unless they say otherwise;
            ``clock`` may be a ``TurnableClock`` to go on with.
    """
    clock = options.pop("clock", None) or TurnableClock()
    chosen = SandboxOptions(data_dir, **{"speed": TEST_SPEED, "plain_video": True} | options)
    with open_sandbox(chosen, clock) as opened, serve_in_thread(opened):
        yield RunningSandbox(data_dir, opened.address, clock, opened.gateway.faults)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    """A fresh sandbox: 200 times faster than real, plain videos, 100000 MXN, FX 20."""
    with running_sandbox(tmp_path / "sandbox") as running:
        yield running
