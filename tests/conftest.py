"""What every test may count on: no key of the person who runs it, no file of theirs, and servers of our own."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from dailies.gateway.testing import RunningSandbox, sandbox
from tests import logs
from tests.workplace import Workplace, running_prefect

__all__ = ["sandbox"]

# A busy machine is no reason for a property to fail.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# Whoever starts the suite in the background may have it ignore Ctrl-C, and what tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

_OURS = ("GEEKHUB_", "DAILIES_", "PREFECT_", "SUPABASE_")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting leaks in from the environment or from a ``.env`` in the working folder."""
    for name in os.environ:
        if name.startswith(_OURS) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _clean_logs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    """No server and no worker logs an error that the test's ``logs_error`` marks do not name; see ``tests.logs``."""
    allowed = [pattern for mark in request.node.iter_markers("logs_error") for pattern in mark.args]
    with logs.logged_here() as heard:
        yield
    folder = tmp_path if request.node.get_closest_marker("e2e") else None
    errors = [error for text in [*heard, *logs.read_new(folder)] for error in logs.errors_in(text, allowed)]
    assert not errors, "\n".join(["A log holds errors:", *errors])


@pytest.fixture(scope="session")
def prefect_api_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A tuned Prefect server of the test suite's own, on a free port, with a home of its own."""
    with running_prefect(tmp_path_factory.mktemp("prefect")) as url:
        yield url


@pytest.fixture
def workplace(tmp_path: Path, sandbox: RunningSandbox, prefect_api_url: str) -> Workplace:
    """A folder with a sandbox and a Prefect server, where the ``dailies`` command can be run as a user would."""
    return Workplace(tmp_path, sandbox, prefect_api_url)
