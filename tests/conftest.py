"""The fixtures of every test: a clean environment without any key, and servers that belong to the tests."""

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

# A property must not fail because the machine is busy.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# A suite in the background may ignore Ctrl-C, and the processes that tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

_OURS = ("GEEKHUB_", "DAILIES_", "PREFECT_", "SUPABASE_")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Remove every setting of the environment, and work in an empty folder without a ``.env``."""
    for name in os.environ:
        if name.startswith(_OURS) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _clean_logs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    """Fail if a server or worker logs an error that no ``logs_error`` mark of the test names; see ``tests.logs``."""
    allowed = [pattern for mark in request.node.iter_markers("logs_error") for pattern in mark.args]
    with logs.logged_here() as heard:
        yield
    folder = tmp_path if request.node.get_closest_marker("e2e") else None
    errors = [error for text in [*heard, *logs.read_new(folder)] for error in logs.errors_in(text, allowed)]
    assert not errors, "\n".join(["A log holds errors:", *errors])


@pytest.fixture(scope="session")
def prefect_api_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a tuned Prefect server for the test suite, on a free port, with its own home folder."""
    with running_prefect(tmp_path_factory.mktemp("prefect")) as url:
        yield url


@pytest.fixture
def workplace(tmp_path: Path, sandbox: RunningSandbox, prefect_api_url: str) -> Workplace:
    """Provide a folder with a sandbox and a Prefect server, where a test can run ``dailies`` as a user would."""
    return Workplace(tmp_path, sandbox, prefect_api_url)
