"""`prefect.yaml`: what it promises, and that Prefect's own command accepts it in a clone without a git remote."""

import os
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path

import httpx
import pytest
import yaml

from flows.deployment import serve as serving
from flows.home import ROOT, enter_project
from tests.flows.prefect_ui import PrefectServer, prefect
from tests.workplace import Workplace

PROJECT = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))
DEPLOYMENTS = {deployment["name"]: deployment for deployment in PROJECT["deployments"]}


def test_every_deployment_says_the_version_of_the_package() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert {str(deployment["version"]) for deployment in DEPLOYMENTS.values()} == {version}


def test_every_deployment_has_a_description_tags_and_a_module_entrypoint() -> None:
    for name, deployment in DEPLOYMENTS.items():
        assert deployment["description"], name
        assert "dailies" in deployment["tags"], name
        assert ":" not in deployment["entrypoint"], name


def test_no_schedule_is_active_and_no_cap_has_a_default() -> None:
    for deployment in DEPLOYMENTS.values():
        assert not any(schedule["active"] for schedule in deployment.get("schedules", []))
        assert "max_cost_mxn" not in deployment.get("parameters", {})


def test_generate_runs_one_at_a_time_and_others_wait() -> None:
    assert DEPLOYMENTS["generate"]["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}


def test_a_deployed_flow_works_in_the_clone(tmp_path: Path) -> None:
    assert Path.cwd() != ROOT
    assert enter_project() == {"directory": str(ROOT)}
    assert Path.cwd() == ROOT


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The project as in a new clone: no remote, no data, no environment."""
    clone = tmp_path / "clone"
    ignored = shutil.ignore_patterns("__pycache__")
    for package in ("dailies", "flows", "tasks"):
        shutil.copytree(ROOT / package, clone / package, ignore=ignored)
    for name in ("prefect.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, clone)
    subprocess.run(["git", "init", "-q"], cwd=clone, check=True)
    return clone


@pytest.mark.e2e
def test_prefect_deploys_everything_in_a_clone_without_a_remote(clone: Path, workplace: Workplace) -> None:
    with httpx.Client(base_url=workplace.prefect_api_url, trust_env=False) as api:
        api.delete("/work_pools/dailies")
        server = PrefectServer(api)
        assert workplace.run("server", "start").returncode == 0
        pool = server.get("/work_pools/dailies")
        assert pool["type"] == "process"
        assert workplace.run("server", "start").returncode == 0
        assert server.get("/work_pools/dailies") == pool
        prefect(workplace, "--no-prompt", "deploy", "--all", cwd=clone)
        generate = server.get("/deployments/name/generate/generate")
        assert generate["entrypoint"] == "flows.generate.generate"
        assert generate["pull_steps"] == [{"flows.home.enter_project": {}}]
        assert generate["global_concurrency_limit"]["limit"] == 1
        assert [schedule["active"] for schedule in generate["schedules"]] == [False]
        assert set(generate["parameter_openapi_schema"]["required"]) == {"csv", "max_cost_mxn"}
        assert str(clone) not in str(generate)
        for name, deployment in DEPLOYMENTS.items():
            flow = deployment["entrypoint"].rsplit(".", 1)[1].replace("_", "-")
            assert server.get(f"/deployments/name/{flow}/{name}")["work_pool_name"] == "dailies"


def test_where_another_user_has_prefects_temporary_folder_runs_have_one_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "runner_storage"
    theirs.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, _: path != theirs)

    serving._find_room_for_runs()

    assert Path(tempfile.gettempdir()) == Path(os.environ["TMPDIR"]) != tmp_path
    assert Path(tempfile.gettempdir()).is_dir()
