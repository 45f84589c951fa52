"""The main job, end to end: real command, real Prefect server, real sandbox."""

import csv
import json

import httpx
import pytest

from dailies.ledger.entry import EntryStatus
from tests.workplace import Workplace

pytestmark = pytest.mark.e2e


def test_a_csv_becomes_videos_and_a_ledger_that_equals_the_account(workplace: Workplace) -> None:
    prompts = workplace.write_csv(12)
    ran = workplace.run("run", prompts)
    assert ran.returncode == 0, ran.stdout
    entries = workplace.entries()
    assert [entry.status for entry in entries] == [EntryStatus.COMPLETED] * 12
    assert workplace.charged_mxn() == workplace.sandbox.consumed_mxn() > 0
    for entry in entries:
        answer = httpx.head(str(entry.video_url), trust_env=False)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "video/mp4"
    text = (workplace.path / "data/results/prompts.results.csv").read_text("utf-8")
    results = list(csv.DictReader(text.splitlines()))
    assert [row["prompt"] for row in results] == [f"shot number {n} of a lighthouse" for n in range(1, 13)]
    assert {row["status"] for row in results} == {"completed"}
    assert not any(workplace.ledger.journals.iterdir())


def test_the_same_csv_again_buys_nothing_and_says_so(workplace: Workplace) -> None:
    prompts = workplace.write_csv(3)
    assert workplace.run("run", prompts).returncode == 0
    before = workplace.sandbox.consumed_mxn()
    again = workplace.run("run", prompts)
    assert again.returncode == 0
    assert "not bought again" in again.stdout
    assert workplace.sandbox.consumed_mxn() == before
    assert len(workplace.sandbox.jobs()) == 3


def test_prefect_shows_the_run_its_tasks_by_name_and_its_artifacts(workplace: Workplace) -> None:
    prompts = workplace.write_csv(4, name="night.csv")
    assert workplace.run("run", prompts).returncode == 0
    with httpx.Client(base_url=workplace.prefect_api_url, trust_env=False) as api:
        name = "night.csv · 4 rows · 16.80 MXN"
        flows = api.post("/flow_runs/filter", json={"flow_runs": {"name": {"any_": [name]}}}).json()
        assert [(run["state"]["type"], run["state"]["name"]) for run in flows] == [("COMPLETED", "Completed")]
        children = api.post(
            "/flow_runs/filter", json={"flow_runs": {"parent_flow_run_id": {"any_": [flows[0]["id"]]}}}
        ).json()
        assert [run["state"]["type"] for run in children] == ["COMPLETED"]
        artifacts = api.post(
            "/artifacts/filter", json={"artifacts": {"flow_run_id": {"any_": [flows[0]["id"]]}}}
        ).json()
        assert {"fal", "fal/kling-2"} <= set(flows[0]["tags"])
        assert [run["name"] for run in children] == ["night.csv · 4 of 4 videos · 16.80 MXN"]
        assert {"plan", "summary", "cost-by-model", "progress", "videos"} <= {artifact["key"] for artifact in artifacts}
        logs = api.post("/logs/filter", json={"logs": {"flow_run_id": {"any_": [children[0]["id"]]}}}).json()
    words = [line["message"] for line in logs]
    assert any("kling-2 · row 2 · take 1: submitted as job" in line for line in words), words
    assert not any("Retry" in line or "JobPending" in line for line in words), words
    everything = json.dumps([flows, children, artifacts, logs])
    assert workplace.sandbox.api_key not in everything
    assert "lighthouse" not in everything, "a prompt is visible in the UI"


def test_a_cap_that_is_passed_refuses_the_run_before_anything_is_spent(workplace: Workplace) -> None:
    refused = workplace.run("run", workplace.write_csv(5), "--max-cost-mxn", "20")
    assert refused.returncode == 2
    assert "21.00 MXN" in refused.stdout
    assert workplace.sandbox.jobs() == []


def test_fit_takes_the_first_rows_and_leaves_the_rest_planned(workplace: Workplace) -> None:
    ran = workplace.run("run", workplace.write_csv(5), "--max-cost-mxn", "13", "--fit")
    assert ran.returncode == 3, ran.stdout
    assert [entry.status for entry in sorted(workplace.entries(), key=lambda entry: entry.source_line)] == [
        *[EntryStatus.COMPLETED] * 3,
        *[EntryStatus.PLANNED] * 2,
    ]
    assert workplace.sandbox.consumed_mxn() <= 13


def test_several_batches_fill_the_slots_without_waiting_for_stragglers(workplace: Workplace) -> None:
    ran = workplace.run("run", workplace.write_csv(15), DAILIES_BATCH_SIZE="5")
    assert ran.returncode == 0, ran.stdout
    assert len({entry.batch_id for entry in workplace.entries()}) == 3
    assert workplace.charged_mxn() == workplace.sandbox.consumed_mxn()
