"""The alarms: each one fires at a receiver, through Prefect's own notification block, and not without cause."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from prefect import get_client
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import PrefectClient
from prefect.events.schemas.automations import AutomationCore
from prefect.settings import PREFECT_API_URL, temporary_settings

from dailies.ledger.entry import EntryStatus
from flows.deployment.automations import automations
from tests.factories import make_entry
from tests.flows.prefect_ui import PrefectServer
from tests.workplace import Workplace, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


class Receiver:
    """A receiver that keeps each notification as subject and body."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str]] = []

    def heard(self, *words: str) -> bool:
        return any(all(word in f"{subject}\n{body}" for word in words) for subject, body in self.received)


@pytest.fixture
def receiver() -> Iterator[tuple[Receiver, str]]:
    heard = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            notification = json.loads(self.rfile.read(int(self.headers["content-length"])))
            heard.received.append((notification["subject"], notification["body"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield heard, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
async def alarms(receiver: tuple[Receiver, str], prefect_api_url: str) -> AsyncIterator[Receiver]:
    """The receiver of every automation; a run without a heartbeat for 45 s counts as dead."""
    heard, url = receiver
    with temporary_settings({PREFECT_API_URL: prefect_api_url}):
        block = CustomWebhookNotificationBlock(
            name="alarms", url=url, json_data={"subject": "{{subject}}", "body": "{{body}}"}
        )
        tell = await block.asave("alarms", overwrite=True)
        wanted = automations(tell, silence=timedelta(seconds=45))
        async with get_client() as client:
            await remove(client, wanted)
            for automation in wanted:
                await client.create_automation(automation)
        yield heard
        async with get_client() as client:  # later tests have no receiver
            await remove(client, wanted)


async def remove(client: PrefectClient, wanted: list[AutomationCore]) -> None:
    for automation in wanted:
        for known in await client.read_automations_by_name(automation.name):
            await client.delete_automation(known.id)


@pytest.fixture
def server(prefect_api_url: str) -> Iterator[PrefectServer]:
    with httpx.Client(base_url=prefect_api_url, trust_env=False) as api:
        yield PrefectServer(api)


def test_a_failed_run_is_told_and_a_good_one_is_not(workplace: Workplace, alarms: Receiver) -> None:
    assert workplace.run("run", workplace.write_csv(2, name="good.csv")).returncode == 0
    workplace.sandbox.set_faults({"kind": "fail_job", "error": "fal status: ERROR"})
    assert workplace.run("run", workplace.write_csv(3, name="bad.csv", take="2")).returncode == 1
    wait_until(lambda: alarms.heard("bad.csv", "Failed", "0 completed, 3 failed"))
    assert not alarms.heard("good.csv")


def test_rows_without_a_video_are_told(workplace: Workplace, alarms: Receiver) -> None:
    workplace.sandbox.set_faults({"kind": "fail_job", "error": "fal status: ERROR", "pattern": "number 2 "})
    assert workplace.run("run", workplace.write_csv(4, name="partial.csv")).returncode == 1
    wait_until(lambda: alarms.heard("partial.csv", "Partial", "3 completed, 1 failed"))


def test_a_killed_run_is_marked_as_crashed_and_told(
    workplace: Workplace, alarms: Receiver, server: PrefectServer
) -> None:
    prompts = workplace.write_csv(40, name="killed.csv")
    beating = {"DAILIES_SUBMIT_RATE_PER_S": "1", "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
    with workplace.start("run", prompts, **beating) as running:
        wait_until(lambda: len(workplace.sandbox.jobs()) >= 2)
        os.kill(running.pid, signal.SIGKILL)
    wait_until(lambda: alarms.heard("killed.csv", "Crashed", "sends no heartbeat"), limit_s=240)
    assert {run["state"]["type"] for run in server.runs("generate", "killed.csv")} == {"CRASHED"}
    wait_until(lambda: {run["state"]["type"] for run in server.runs("batch", "killed.csv")} == {"CRASHED"})


def test_jobs_that_render_for_longer_than_a_day_are_told_once(workplace: Workplace, alarms: Receiver) -> None:
    two_days_ago = datetime.now(UTC) - timedelta(days=2)
    ledger = workplace.ledger
    with ledger.lock():
        ledger.put([make_entry(status=EntryStatus.PROCESSING, job_id="6f9619ff", submitted_at=two_days_ago)])
    tell_overdue(workplace)
    wait_until(lambda: alarms.heard("1 jobs are overdue", "prompts.csv", "6f9619ff"))
    tell_overdue(workplace)
    workplace.sandbox.set_faults({"kind": "fail_job"})
    assert workplace.run("run", workplace.write_csv(1, name="later.csv")).returncode == 1
    wait_until(lambda: alarms.heard("later.csv"))
    assert [subject for subject, _ in alarms.received].count("Dailies: 1 jobs are overdue") == 1


def tell_overdue(workplace: Workplace) -> None:
    """Run in another process, as a flow does."""
    subprocess.run([sys.executable, "-c", _TELL_OVERDUE], cwd=workplace.path, env=workplace.env, check=True)


_TELL_OVERDUE = """
import asyncio
from datetime import UTC, datetime

from dailies.ledger.folder import LedgerFolder
from dailies.settings import load_settings
from tasks.alarm import tell_overdue

settings = load_settings()
asyncio.run(tell_overdue(LedgerFolder.open(settings.ledger_path, settings.service), datetime.now(UTC)))
"""
