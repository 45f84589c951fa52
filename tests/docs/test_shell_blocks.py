"""Every shell block of README and usage.md runs unchanged, in a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dailies.gateway.hosting.address import SandboxAddress
from dailies.gateway.hosting.process import start_sandbox, stop_sandbox
from tests.workplace import DAILIES, ROOT, Workplace

pytestmark = pytest.mark.e2e

# A test cannot run the suite itself, and the key in the page is not a real one.
SUITE = ("make test ", "make -n test ")
KEY = "ghub_sk_live_your32characters"


def shell_blocks(page: str) -> list[str]:
    text = (ROOT / page).read_text("utf-8")
    return re.findall(r"^```bash\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.fixture
def project(workplace: Workplace) -> Path:
    """A copy of the project's files with the virtual environment of this one."""
    copy = workplace.path / "project"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "data", "__pycache__"))
    shutil.copytree(ROOT / "data/prompts", copy / "data/prompts")
    # Use the packages that are installed: make must find nothing to do, because it would install the copy.
    (copy / ".venv").mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (copy / ".venv" / name).symlink_to(Path(sys.prefix) / name)
    for stamp in (".runtime", ".dev"):
        (copy / ".venv" / stamp).touch()
    return copy


def run_blocks(page: str, project: Path, env: dict[str, str], key: str) -> None:
    for block in shell_blocks(page):
        script = block.replace(*SUITE).replace(KEY, key)
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=project,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        assert ran.returncode == 0, f"{page}\n{block}\n{ran.stdout}"


def newcomer(workplace: Workplace, project: Path) -> dict[str, str]:
    """The environment of a user without a key, in a shell in the project's folder."""
    of_a_key = ("GEEKHUB_", "DAILIES_")
    env = {name: value for name, value in workplace.env.items() if not name.startswith(of_a_key)}
    path = f"{DAILIES.parent}{os.pathsep}{env['PATH']}"
    in_the_copy = {"PYTHONPATH": str(project), "DAILIES_DATA_DIR": str(project / "data")}
    return {**env, **in_the_copy, "PATH": path, "TZ": "America/Mexico_City"}  # the zone of GeekHub's months


@pytest.fixture
def local(project: Path) -> Iterator[SandboxAddress]:
    """A fast sandbox, which the commands find running."""
    yield start_sandbox(project / "data/sandbox", speed=600)
    stop_sandbox(project / "data/sandbox")


def test_usage_runs_on_the_sandbox(workplace: Workplace, project: Path, local: SandboxAddress) -> None:
    run_blocks("docs/usage.md", project, newcomer(workplace, project), local.api_key)
    assert len((project / "done.csv").read_text("utf-8").splitlines()) == 4


def test_readme_runs_and_its_real_run_reads_the_env_file(
    workplace: Workplace, project: Path, local: SandboxAddress
) -> None:
    real = {"GEEKHUB_BASE_URL": local.base_url, "DAILIES_TIME_SCALE": str(local.time_scale)}
    run_blocks("README.md", project, {**newcomer(workplace, project), **real}, local.api_key)
    assert "completed" in (project / "data/results/prompts.results.csv").read_text("utf-8")


def test_python_of_the_blocks_is_the_one_under_test() -> None:
    assert Path(sys.executable).parent == DAILIES.parent
