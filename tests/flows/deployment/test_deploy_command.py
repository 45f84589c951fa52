"""`dailies deploy` and `dailies serve`: what is missing is made, what an operator chose stays."""

import contextlib
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.flows.prefect_ui import PrefectServer
from tests.workplace import Workplace, wait_until

pytestmark = pytest.mark.e2e


@pytest.fixture
def server(prefect_api_url: str) -> Iterator[PrefectServer]:
    with httpx.Client(base_url=prefect_api_url, trust_env=False) as api:
        yield PrefectServer(api)


def test_deploy_makes_what_is_missing_and_then_finds_nothing(workplace: Workplace, server: PrefectServer) -> None:
    block = {"DAILIES_CREDENTIALS_BLOCK": "studio"}
    refused = workplace.run("deploy", **block)
    assert refused.returncode == 2
    assert "asks for no password, so any web page" in refused.stdout
    assert "add --open-server" in refused.stdout
    assert not server.exists("/block_types/slug/geekhub-credentials/block_documents/name/studio")
    made = workplace.run("deploy", "--open-server", **block)
    assert made.returncode == 0, made.stdout
    again = workplace.run("deploy", **block)
    assert again.returncode == 0, again.stdout
    assert "was up to date already" in again.stdout
    saved = server.get("/block_types/slug/geekhub-credentials/block_documents/name/studio")
    assert workplace.sandbox.api_key not in str(saved["data"])
    assert workplace.sandbox.api_key not in made.stdout


CRON = {"cron": "30 4 * * 1", "timezone": "Europe/Madrid", "day_or": True}
NIGHTLY = {"schedule": CRON, "active": True, "parameters": {"csv": "nightly.csv", "max_cost_mxn": 100}}
HOURLY = {
    "schedule": {"interval": 3600.0, "anchor_date": "2026-01-01T00:00:00Z", "timezone": "UTC"},
    "active": False,
    "parameters": {"csv": "hourly.csv", "max_cost_mxn": 5},
}


def choose_schedules(server: PrefectServer, deployment: dict[str, Any]) -> None:
    """What an operator does in the UI: another time for the schedule that is there, and one more, without a slug."""
    (schedule,) = deployment["schedules"]
    server.patch(f"/deployments/{deployment['id']}/schedules/{schedule['id']}", NIGHTLY)
    server.post(f"/deployments/{deployment['id']}/schedules", [HOURLY])


def assert_schedules_are_as_chosen(deployment: dict[str, Any]) -> None:
    now = {schedule["slug"]: {name: schedule[name] for name in NIGHTLY} for schedule in deployment["schedules"]}
    assert now == {"nightly": NIGHTLY, None: HOURLY}


def test_what_an_operator_chose_stays(workplace: Workplace, server: PrefectServer) -> None:
    assert workplace.run("deploy").returncode == 0
    generate = server.get("/deployments/name/generate/generate")
    try:
        choose_schedules(server, generate)
        server.patch("/v2/concurrency_limits/dailies-submits", {"slot_decay_per_second": 3})
        assert "was up to date already" in workplace.run("deploy").stdout
        server.patch(f"/deployments/{generate['id']}", {"tags": ["changed"]})
        again = workplace.run("deploy")
        assert again.returncode == 0
        assert "'generate/generate': updated (tags)" in again.stdout
        after = server.get("/deployments/name/generate/generate")
        assert after["tags"] == ["dailies", "videos"]
        assert_schedules_are_as_chosen(after)
        assert server.get("/v2/concurrency_limits/dailies-submits")["slot_decay_per_second"] == 3
    finally:
        server.delete(f"/deployments/{generate['id']}")


def test_a_schedule_of_prefect_yaml_that_is_gone_is_made_again(workplace: Workplace, server: PrefectServer) -> None:
    assert workplace.run("deploy").returncode == 0
    settle = server.get("/deployments/name/settle/settle")
    server.delete(f"/deployments/{settle['id']}/schedules/{settle['schedules'][0]['id']}")
    server.post(f"/deployments/{settle['id']}/schedules", [HOURLY | {"parameters": {}}])
    again = workplace.run("deploy")
    assert again.returncode == 0
    assert "'settle/settle': updated (schedules)" in again.stdout
    after = server.get("/deployments/name/settle/settle")
    server.delete(f"/deployments/{settle['id']}")
    assert {schedule["slug"]: schedule["active"] for schedule in after["schedules"]} == {
        "every-15-minutes": False,
        None: False,
    }


def test_a_block_that_does_not_exist_is_named_with_the_remedy(workplace: Workplace) -> None:
    refused = workplace.run("deploy", DAILIES_ALARM_BLOCK="slack-webhook/nobody")
    assert refused.returncode == 2
    assert "slack-webhook/nobody" in refused.stdout


@contextlib.contextmanager
def serving(workplace: Workplace) -> Iterator["subprocess.Popen[str]"]:
    """`dailies serve`, from when it has made or changed its deployments until the block ends."""
    with workplace.start("serve") as process:
        try:
            assert process.stdout is not None
            assert any("Your deployments are being served" in line for line in process.stdout)
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=60)


def test_what_an_operator_chose_outlives_the_serving_process(workplace: Workplace, server: PrefectServer) -> None:
    with serving(workplace):
        choose_schedules(server, server.get("/deployments/name/generate/generate-served"))
    with serving(workplace):
        again = server.get("/deployments/name/generate/generate-served")
    server.delete(f"/deployments/{again['id']}")
    assert not again["paused"]
    assert_schedules_are_as_chosen(again)


def test_ctrl_c_ends_serving_in_one_message(workplace: Workplace) -> None:
    with serving(workplace) as process:
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "Stopped. Nothing is lost: the same command continues."
    assert "Traceback" not in said


@pytest.mark.slow
def test_served_deployments_run_without_a_worker(workplace: Workplace, server: PrefectServer) -> None:
    prompts = str(workplace.write_csv(3, name="served.csv"))
    with workplace.start("serve") as serving:
        try:
            wait_until(lambda: server.exists("/deployments/name/generate/generate-served"))
            run_id = server.start("generate/generate-served", csv=prompts, max_cost_mxn=20)
            assert server.end_of(run_id) == ("COMPLETED", "Completed")
        finally:
            serving.terminate()
            serving.communicate(timeout=60)
    assert workplace.charged_mxn() == workplace.sandbox.consumed_mxn() > 0
