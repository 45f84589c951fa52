"""The commands in ``docs/prompts.md`` print what the page shows; it names every column and format."""

import os
import re
import shutil
import subprocess

import pytest

from dailies.prompts.cells import COLUMNS
from dailies.prompts.sources.source_names import FORMATS
from dailies.report.results import SENT_COLUMNS, SOURCE_COLUMNS
from tests.workplace import DAILIES, ROOT, Workplace

PAGE = (ROOT / "docs" / "prompts.md").read_text("utf-8")


def commands() -> list[tuple[str, list[str]]]:
    """Every command of the page, with the lines that it prints according to the page."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"^```console\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def plain(text: str) -> str:
    """Replace the frames of tables and every gap by one blank."""
    return re.sub(r"[\s│┃]+", " ", text)


@pytest.mark.e2e
def test_the_commands_of_the_page_say_what_it_shows(workplace: Workplace) -> None:
    shutil.copytree(ROOT / "data" / "prompts", workplace.path / "data" / "prompts")
    env = {**workplace.env, "PATH": f"{DAILIES.parent}:{os.environ['PATH']}"}
    for command, lines in commands():
        ran = subprocess.run(
            command, shell=True, cwd=workplace.path, env=env, capture_output=True, text=True, timeout=240, check=False
        )
        said = plain(ran.stdout + ran.stderr)
        for line in lines:
            assert plain(line) in said, (command, ran.stdout, ran.stderr)
        assert lines or ran.returncode == 0, (command, ran.stderr)


def test_every_column_and_format_is_on_the_page() -> None:
    for name in (*COLUMNS, *SENT_COLUMNS, *SOURCE_COLUMNS, *FORMATS):
        assert f"`{name}`" in PAGE, name
