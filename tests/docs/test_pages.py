"""The pages are complete: every setting, verb, argument, column, exit code, dependency; every link leads somewhere."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from cyclopts import App

from cli.app import app
from cli.error_messages import LEFT_AT_ONCE
from dailies.ledger.schema import COLUMNS
from dailies.settings import Settings, variable
from tests.workplace import ROOT
from tools.usage_page import shown_arguments, with_blocks

USAGE = (ROOT / "docs/usage.md").read_text("utf-8")
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def verbs(parent: App = app, *path: str) -> Iterator[tuple[str, list[str]]]:
    """Every verb that the help shows, with the names of its arguments."""
    for name in parent:
        verb = parent[name]
        if name.startswith("-") or not verb.show:
            continue
        yield " ".join((*path, name)), [argument.names[0] for argument in shown_arguments(verb)]
        yield from verbs(verb, *path, name)


def test_usage_is_what_the_code_says() -> None:
    assert with_blocks(USAGE) == USAGE, "run `make docs`"


def test_every_setting_is_documented() -> None:
    assert [name for name in Settings.model_fields if f"| `{variable(name)}` |" not in USAGE] == []
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def section_of(verb: str) -> str:
    return USAGE.partition(f"### `dailies {verb}")[2].partition("\n### ")[0]


def test_every_verb_and_argument_is_documented() -> None:
    found = dict(verbs())

    assert [verb for verb in found if not section_of(verb)] == []
    assert [f"{verb} {name}" for verb, names in found.items() for name in names if name not in section_of(verb)] == []
    assert sum(map(len, found.values())) > 50
    assert "| None |" not in USAGE


def test_every_ledger_column_is_documented() -> None:
    page = (ROOT / "docs/output.md").read_text("utf-8")
    assert [column for column in COLUMNS if f"| `{column}` |" not in page] == []


def test_every_exit_code_is_documented() -> None:
    assert [code for code in (0, 1, 2, 3, LEFT_AT_ONCE) if f"\n| {code} | " not in USAGE] == []


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


def test_links_lead_somewhere() -> None:
    assert [f"{page.name}: {target}" for page in PAGES for target in dead_links(page)] == []


def dead_links(page: Path) -> Iterator[str]:
    """The links of a page to a heading or file that does not exist."""
    text = page.read_text("utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("http"):
            continue
        name, _, anchor = target.partition("#")
        goal = page.parent / name if name else page
        if not goal.exists() or (anchor and anchor not in anchors(goal)):
            yield target


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}


def test_lines_are_readable_without_a_browser() -> None:
    """Tables excepted, and performance.md, which the benchmark writes."""
    pages = [page for page in PAGES if page.name != "performance.md"]
    lines = [(page.name, line) for page in pages for line in page.read_text("utf-8").splitlines()]

    assert [line for line in lines if not line[1].startswith("|") and len(line[1]) > 160] == []
