"""What a run needs goes away in the middle of it and comes back: the service, the Prefect server, its own process."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dailies.gateway.hosting.process import read_address, start_sandbox, stop_sandbox
from dailies.gateway.testing import RunningSandbox
from tests.faults.place import SPEED, Place
from tests.workplace import running_prefect, wait_until
from tools.chaos.promises import breaches_after_a_crash, breaches_at_the_end


@contextmanager
def separate_place(path: Path, prefect_api_url: str = "") -> Iterator[Place]:
    """A place whose sandbox is a process of its own, so that it can be killed."""
    folder = path / "sandbox"
    address = start_sandbox(folder, speed=SPEED / 10, plain_video=True)
    try:
        yield Place(path, RunningSandbox(folder, address), prefect_api_url)
    finally:
        stop_sandbox(folder)


def kill_sandbox(place: Place) -> None:
    """SIGKILL: it gets no chance to finish an answer."""
    address = read_address(place.sandbox.data_dir)
    assert address is not None
    os.kill(address.pid, signal.SIGKILL)
    wait_until(lambda: read_address(place.sandbox.data_dir) is None)


@pytest.mark.parametrize("path", ["direct", pytest.param("prefect", marks=(pytest.mark.e2e, pytest.mark.slow))])
def test_a_service_that_is_killed_and_comes_back_costs_time_and_nothing_else(
    path: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("prefect_api_url") if path == "prefect" else ""
    with separate_place(tmp_path, url) as place:
        csv = place.write_csv(30)
        with place.begin(csv, DAILIES_SUBMIT_RATE_PER_S="15") as process:
            wait_until(lambda: len(place.sandbox.jobs()) >= 10 or process.poll() is not None)
            kill_sandbox(place)
            start_sandbox(place.sandbox.data_dir, speed=SPEED / 10, plain_video=True)
            assert process.wait(timeout=120) == 0, place.said()
        assert list(breaches_at_the_end(place.ledger, place.sandbox, 30)) == []


@pytest.mark.e2e
@pytest.mark.slow
def test_a_prefect_server_that_is_killed_and_comes_back_loses_no_row(tmp_path: Path) -> None:
    home = tmp_path / "prefect-server"
    home.mkdir()
    with separate_place(tmp_path) as place:
        csv = place.write_csv(40)
        with running_prefect(home) as url:
            place = Place(tmp_path, place.sandbox, url)
            process = place.begin(csv, DAILIES_SUBMIT_RATE_PER_S="10")
            wait_until(lambda: len(place.sandbox.jobs()) >= 10 or process.poll() is not None)
        # The block's end has killed the server; the same one comes back at the same address.
        with process, running_prefect(home, port=int(url.rsplit(":", 1)[1].split("/")[0])):
            code = process.wait(timeout=240)
            assert list(breaches_after_a_crash(place.ledger, place.sandbox)) == []
            assert code == 0 or place.run_csv(csv) == 0, place.said()
        assert list(breaches_at_the_end(place.ledger, place.sandbox, 40)) == []


def test_a_run_that_is_asked_to_end_leaves_nothing_behind(place: Place) -> None:
    """SIGTERM: what an operating system that shuts down, or Kubernetes, sends."""
    csv = place.write_csv(40)
    with place.begin(csv, DAILIES_SUBMIT_RATE_PER_S="20") as process:
        wait_until(lambda: len(place.sandbox.jobs()) >= 10 or process.poll() is not None)
        process.terminate()
        process.wait(timeout=60)
    assert list(breaches_after_a_crash(place.ledger, place.sandbox)) == []
    assert len(place.sandbox.jobs()) < 40
    assert place.run_csv(csv) == 0, place.said()
    assert list(breaches_at_the_end(place.ledger, place.sandbox, 40)) == []
    assert len(place.sandbox.jobs()) == 40
