"""`dailies deploy` and `dailies serve`: what is missing is made, what an operator chose stays."""

from collections.abc import Iterator

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
    made = workplace.run("deploy", **block)
    assert made.returncode == 0, made.stdout
    checked = workplace.run("deploy", "--check", **block)
    assert checked.returncode == 0, checked.stdout
    assert "as it should be" in checked.stdout
    saved = server.get("/block_types/slug/geekhub-credentials/block_documents/name/studio")
    assert workplace.sandbox.api_key not in str(saved["data"])
    assert workplace.sandbox.api_key not in made.stdout


def test_what_an_operator_chose_stays(workplace: Workplace, server: PrefectServer) -> None:
    assert workplace.run("deploy").returncode == 0
    generate = server.get("/deployments/name/generate/generate")
    (schedule,) = generate["schedules"]
    chosen = {"active": True, "parameters": {"csv": "nightly.csv", "max_cost_mxn": 100}}
    server.patch(f"/deployments/{generate['id']}/schedules/{schedule['id']}", chosen)
    server.patch("/v2/concurrency_limits/dailies-submits", {"slot_decay_per_second": 3})
    server.patch(f"/deployments/{generate['id']}", {"tags": ["changed"]})
    checked = workplace.run("deploy", "--check")
    assert checked.returncode == 1
    assert "'generate/generate' differs in its tags" in checked.stdout
    assert workplace.run("deploy").returncode == 0
    after = server.get("/deployments/name/generate/generate")
    assert after["tags"] == ["dailies", "videos"]
    assert {name: after["schedules"][0][name] for name in chosen} == chosen
    assert server.get("/v2/concurrency_limits/dailies-submits")["slot_decay_per_second"] == 3
    server.patch(f"/deployments/{generate['id']}/schedules/{after['schedules'][0]['id']}", {"active": False})


def test_a_block_that_does_not_exist_is_named_with_the_remedy(workplace: Workplace) -> None:
    refused = workplace.run("deploy", DAILIES_ALARM_BLOCK="slack-webhook/nobody")
    assert refused.returncode == 2
    assert "slack-webhook/nobody" in refused.stdout


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
