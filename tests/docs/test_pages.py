"""The pages say what is there: every setting, verb, option, dependency and link. A page that lags behind fails here."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

from cli.app import app
from cli.interrupts import LEFT_AT_ONCE
from dailies.ledger.schema import COLUMNS
from dailies.settings import Settings, variable
from tests.workplace import ROOT
from tools.usage_page import with_blocks

USAGE = (ROOT / "docs/usage.md").read_text("utf-8")
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def every_option(parent: App = app, *path: str) -> Iterator[tuple[str, str]]:
    for name in parent:
        verb = parent[name]
        if name.startswith("-") or not verb.show:
            continue
        words = " ".join((*path, name))
        yield words, f"dailies {words}"
        for argument in verb.assemble_argument_collection() if verb.default_command else ():
            yield words, argument.names[0]
        yield from every_option(verb, *path, name)


def test_usage_is_what_the_code_says() -> None:
    assert with_blocks(USAGE) == USAGE, "say `make docs`"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented(name: str) -> None:
    assert f"| `{variable(name)}` |" in USAGE
    assert Settings.model_fields[name].description


@pytest.mark.parametrize(("verb", "words"), sorted(set(every_option())))
def test_every_verb_and_option_is_documented(verb: str, words: str) -> None:
    section = USAGE.partition(f"### `dailies {verb}")[2].partition("\n### ")[0]
    assert section, f"{verb} is missing: say `make docs`"
    assert words.removeprefix(f"dailies {verb}") in section


@pytest.mark.parametrize("column", COLUMNS)
def test_every_ledger_column_is_documented(column: str) -> None:
    assert f"| `{column}` |" in (ROOT / "docs/output.md").read_text("utf-8")


@pytest.mark.parametrize("code", [0, 1, 2, 3, LEFT_AT_ONCE])
def test_every_exit_code_is_documented(code: int) -> None:
    assert f"\n| {code} | " in USAGE


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = project["dependency-groups"].values()
    wanted = [
        *project["project"]["dependencies"],
        *(name for group in groups for name in group if isinstance(name, str)),
    ]
    names = {re.split(r"[<>=\[ ]", name)[0] for name in wanted}
    page = (ROOT / "docs/architecture.md").read_text("utf-8").partition("## Dependencies")[2]
    assert set(re.findall(r"^\| `([\w.-]+)` \|", page, re.MULTILINE)) == names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    anchors = {
        re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        elif not target.startswith("http"):
            assert (page.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name != "performance.md"], ids=lambda page: page.name
)  # that one is written by the benchmark
def test_lines_are_readable_without_a_browser(page: Path) -> None:
    prose = [line for line in page.read_text("utf-8").splitlines() if not line.startswith("|")]
    assert max(map(len, prose)) <= 160
