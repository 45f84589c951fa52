"""Deployed: every deployment runs on a real worker, batches fan out to it, and cancelling reaches them."""

import time
from collections.abc import Iterator

import httpx
import pytest

from dailies.ledger.entry import EntryStatus
from tests.flows.prefect_ui import PrefectServer, prefect, running_worker
from tests.workplace import ROOT, Workplace, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

WITHIN_S = 15.0
_MICROS = 1_000_000


@pytest.fixture
def server(workplace: Workplace) -> Iterator[PrefectServer]:
    """The server, with everything deployed."""
    prefect(workplace, "work-pool", "create", "dailies", "--type", "process", "--overwrite")
    prefect(workplace, "--no-prompt", "deploy", "--all", cwd=ROOT)
    with httpx.Client(base_url=workplace.prefect_api_url, trust_env=False, timeout=30) as api:
        yield PrefectServer(api)


def test_generate_runs_on_a_worker_and_again_buys_nothing(workplace: Workplace, server: PrefectServer) -> None:
    prompts = str(workplace.write_csv(6, name="worker.csv"))
    with running_worker(workplace):
        first = server.start("generate/generate", csv=prompts, max_cost_mxn=30)
        assert server.end_of(first) == ("COMPLETED", "Completed")
        again = server.start("generate/generate", csv=prompts, max_cost_mxn=30)
        assert server.end_of(again) == ("COMPLETED", "Nothing to do")
    assert server.run(first)["name"] == "worker.csv · 6 rows · 25.20 MXN"
    assert {"dailies", "fal", "fal/kling-2"} <= set(server.run(first)["tags"])
    assert [entry.status for entry in workplace.entries()] == [EntryStatus.COMPLETED] * 6
    assert workplace.charged_mxn() == workplace.sandbox.consumed_mxn()


def test_settle_and_mirror_run_on_a_worker(workplace: Workplace, server: PrefectServer) -> None:
    assert workplace.run("run", workplace.write_csv(2, name="settled.csv")).returncode == 0
    with running_worker(workplace):
        settled = server.start("settle/settle")
        mirrored = server.start("mirror/mirror", to=str(workplace.path / "mine"))
        assert server.end_of(settled)[0] == "COMPLETED"
        assert server.end_of(mirrored)[0] == "COMPLETED"
    assert "they agree" in server.run(settled)["state"]["message"]
    assert len(list((workplace.path / "mine").rglob("*.mp4"))) == 2


def test_batches_fan_out_and_the_shared_limit_is_made_only_once(workplace: Workplace, server: PrefectServer) -> None:
    prompts = str(workplace.write_csv(12, name="fan.csv"))
    with running_worker(workplace, DAILIES_BATCH_SIZE="4"):
        run_id = server.start("generate/generate", csv=prompts, max_cost_mxn=60, fan_out=True)
        assert server.end_of(run_id) == ("COMPLETED", "Completed")
    assert [run["state"]["type"] for run in server.runs("batch", "fan.csv")] == ["COMPLETED"] * 3
    assert server.get("/v2/concurrency_limits/dailies-submits")["slot_decay_per_second"] > 0
    assert len(workplace.sandbox.jobs()) == 12
    assert workplace.charged_mxn() == workplace.sandbox.consumed_mxn()
    assert not any(workplace.ledger.journals.iterdir())


def test_a_second_child_of_a_batch_ends_as_superseded(workplace: Workplace, server: PrefectServer) -> None:
    prompts = str(workplace.write_csv(3, name="second.csv"))
    with running_worker(workplace):
        run_id = server.start("generate/generate", csv=prompts, max_cost_mxn=60, fan_out=True)
        assert server.end_of(run_id) == ("COMPLETED", "Completed")
        (batch_id,) = {entry.batch_id for entry in workplace.entries()}
        assert server.end_of(server.start("batch/batch", batch_id=batch_id)) == ("CANCELLED", "Superseded")
    assert len(workplace.sandbox.jobs()) == 3


@pytest.mark.logs_error("Finished in state Cancelled")  # as an error, though it was asked for
@pytest.mark.parametrize("fan_out", [False, True], ids=["in one process", "fanned out"])
def test_cancel_in_the_ui_reaches_a_deployed_run(workplace: Workplace, server: PrefectServer, fan_out: bool) -> None:
    name = f"cancel {fan_out}.csv"
    prompts = str(workplace.write_csv(60, name=name))
    slowly = {"DAILIES_SUBMIT_RATE_PER_S": "1", "DAILIES_BATCH_SIZE": "30"}
    with running_worker(workplace, **slowly):
        run_id = server.start("generate/generate", csv=prompts, max_cost_mxn=300, fan_out=fan_out)
        wait_until(lambda: len(workplace.sandbox.jobs()) >= 3, limit_s=120)
        server.click_cancel(run_id)
        clicked_at = time.time()
        assert server.end_of(run_id)[0] == "CANCELLED"
        wait_until(lambda: not any(workplace.ledger.journals.iterdir()))
        for child in server.runs("batch", name):
            assert server.end_of(child["id"])[0] == "CANCELLED"
    last = max(job.created_us for job in workplace.sandbox.jobs()) / _MICROS
    assert last - clicked_at < WITHIN_S
    with running_worker(workplace):
        again = server.start("generate/generate", csv=prompts, max_cost_mxn=300)
        assert server.end_of(again) == ("COMPLETED", "Completed")
    assert len(workplace.sandbox.jobs()) == 60
    assert workplace.charged_mxn() == workplace.sandbox.consumed_mxn()


@pytest.mark.logs_error("No GeekHub key")
def test_a_deployment_without_key_and_block_fails_with_the_remedy(workplace: Workplace, server: PrefectServer) -> None:
    prompts = str(workplace.write_csv(2, name="keyless.csv"))
    with running_worker(workplace, GEEKHUB_API_KEY=""):
        run_id = server.start("generate/generate", csv=prompts, max_cost_mxn=30)
        assert server.end_of(run_id)[0] == "FAILED"
    assert "DAILIES_CREDENTIALS_BLOCK" in server.run(run_id)["state"]["message"]
    assert workplace.sandbox.jobs() == []


def test_a_run_form_without_a_cap_is_refused(workplace: Workplace, server: PrefectServer) -> None:
    prompts = str(workplace.write_csv(2, name="capless.csv"))
    with pytest.raises(httpx.HTTPStatusError) as refused:
        server.start("generate/generate", csv=prompts)
    assert "max_cost_mxn" in refused.value.response.text
