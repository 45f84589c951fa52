"""The pages for contributors name paths and targets of make that exist; their layer table is the wall test's."""

import re

from tests.test_walls import ALLOWED
from tests.workplace import ROOT

PAGES = {name: (ROOT / name).read_text("utf-8") for name in ("CONTRIBUTING.md", "AGENTS.md", "docs/architecture.md")}
FILES = (".py", ".md", ".toml", ".yaml")
FOLDERS = {path.name for path in ROOT.iterdir() if path.is_dir()} - {"data", ".venv"}


def paths(page: str) -> set[str]:
    """Whatever a page puts in backticks that looks like a path of the project."""
    words = set(re.findall(r"`([\w./-]+)`", page))
    return {word for word in words if ("/" in word and word.partition("/")[0] in FOLDERS) or word.endswith(FILES)}


def test_every_path_on_the_pages_exists() -> None:
    missing = [f"{name}: {path}" for name, page in PAGES.items() for path in paths(page) if not (ROOT / path).exists()]

    assert missing == []


def test_the_pages_name_paths() -> None:
    assert [name for name, page in PAGES.items() if len(paths(page)) < 5] == []


def test_every_target_of_make_on_the_pages_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = {target for page in PAGES.values() for target in re.findall(r"(?:^|`)make ([a-z-]+)", page, re.MULTILINE)}

    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


def test_the_layer_table_is_that_of_the_wall_test() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| (.*) \|$", PAGES["AGENTS.md"], re.MULTILINE)

    assert [(room, set(re.findall(r"`([\w.]+)`", ends))) for room, ends in rows] == list(ALLOWED.items())
