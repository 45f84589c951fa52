"""The image: its steps name files that exist, a Python that fits, and the lock with its hashes."""

import re
import tomllib

from packaging.specifiers import SpecifierSet

from flows.home import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def test_everything_that_is_copied_exists_and_is_let_through() -> None:
    copied = [name for line in re.findall(r"^COPY (.*)$", DOCKERFILE, re.MULTILINE) for name in line.split()[:-1]]
    let_through = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for name in copied:
        assert (ROOT / name).exists(), name
        assert f"!{name}" in let_through, name


def test_its_python_is_one_that_the_package_supports() -> None:
    version = re.search(r"^FROM python:(\d+\.\d+)", DOCKERFILE, re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert version
    assert version[1] in SpecifierSet(project["requires-python"])


def test_only_locked_packages_are_installed() -> None:
    installs = re.findall(r"^RUN pip install (.*)$", DOCKERFILE, re.MULTILINE)
    assert all("--require-hashes" in step or "--no-deps" in step for step in installs)


def test_it_does_not_run_as_root() -> None:
    assert re.search(r"^USER dailies$", DOCKERFILE, re.MULTILINE)
