"""Cancel: no further order, all of it recorded, and the next run goes on. From the UI, the command, by SIGTERM."""

import subprocess
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from dailies.ledger.entry import EntryStatus
from tests.flows.prefect_ui import PrefectServer, prefect
from tests.workplace import Workplace, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

WITHIN_S = 15.0
_MICROS = 1_000_000


@pytest.fixture
def server(prefect_api_url: str) -> Iterator[PrefectServer]:
    with httpx.Client(base_url=prefect_api_url, trust_env=False) as api:
        yield PrefectServer(api)


def last_order_at(workplace: Workplace) -> float:
    return max(job.created_us for job in workplace.sandbox.jobs()) / _MICROS


def _until(running: "subprocess.Popen[str]", holds: Callable[[], bool]) -> None:
    wait_until(lambda: holds() or running.poll() is not None)
    assert running.poll() is None, running.communicate()[0]


def test_a_run_that_is_cancelled_in_the_ui_stops_in_good_order(workplace: Workplace, server: PrefectServer) -> None:
    prompts = workplace.write_csv(60, name="ui.csv")
    slowly = {"DAILIES_SUBMIT_RATE_PER_S": "1", "DAILIES_BATCH_SIZE": "20"}
    with workplace.start("run", prompts, **slowly) as running:
        _until(running, lambda: len(workplace.sandbox.jobs()) >= 3)
        server.click_cancel(server.runs("generate", "ui.csv")[-1]["id"])
        clicked_at = time.time()
        output, _ = running.communicate(timeout=120)
    assert running.returncode == 3, output
    assert "Traceback" not in output
    assert last_order_at(workplace) - clicked_at < WITHIN_S
    assert [run["state"]["type"] for run in server.runs("generate", "ui.csv")] == ["CANCELLED"]
    assert {run["state"]["type"] for run in server.runs("batch", "ui.csv")} == {"CANCELLED"}
    assert not any(workplace.ledger.journals.iterdir())
    assert 3 <= len(workplace.sandbox.jobs()) < 60
    assert workplace.run("run", prompts).returncode == 0
    assert [entry.status for entry in workplace.entries()] == [EntryStatus.COMPLETED] * 60
    assert workplace.charged_mxn() == workplace.sandbox.consumed_mxn()
    assert len(workplace.sandbox.jobs()) == 60


def test_prefects_own_cancel_command_does_the_same(workplace: Workplace, server: PrefectServer) -> None:
    prompts = workplace.write_csv(40, name="command.csv")
    with workplace.start("run", prompts, DAILIES_SUBMIT_RATE_PER_S="1") as running:
        _until(running, lambda: len(workplace.sandbox.jobs()) >= 2)
        run_id = server.runs("generate", "command.csv")[-1]["id"]
        prefect(workplace, "flow-run", "cancel", run_id)
        clicked_at = time.time()
        output, _ = running.communicate(timeout=120)
    assert running.returncode == 3, output
    assert last_order_at(workplace) - clicked_at < WITHIN_S
    assert [run["state"]["type"] for run in server.runs("generate", "command.csv")] == ["CANCELLED"]
    assert not any(workplace.ledger.journals.iterdir())


def test_cancelling_one_batch_cancels_its_run(workplace: Workplace, server: PrefectServer) -> None:
    prompts = workplace.write_csv(40, name="child.csv")
    with workplace.start("run", prompts, DAILIES_SUBMIT_RATE_PER_S="1") as running:
        _until(running, lambda: len(workplace.sandbox.jobs()) >= 2)
        server.click_cancel(server.runs("batch", "child.csv")[-1]["id"])
        output, _ = running.communicate(timeout=120)
    assert running.returncode == 3, output
    assert [run["state"]["type"] for run in server.runs("generate", "child.csv")] == ["CANCELLED"]
    assert not any(workplace.ledger.journals.iterdir())


def test_sigterm_ends_a_run_in_good_order_as_crashed(workplace: Workplace, server: PrefectServer) -> None:
    prompts = workplace.write_csv(40, name="sigterm.csv")
    with workplace.start("run", prompts, DAILIES_SUBMIT_RATE_PER_S="1") as running:
        _until(running, lambda: len(workplace.sandbox.jobs()) >= 2)
        running.terminate()
        output, _ = running.communicate(timeout=120)
    assert running.returncode == 3, output
    assert [run["state"]["type"] for run in server.runs("generate", "sigterm.csv")] == ["CRASHED"]
    assert not any(workplace.ledger.journals.iterdir())
    assert workplace.run("run", prompts).returncode == 0
    assert workplace.charged_mxn() == workplace.sandbox.consumed_mxn()
