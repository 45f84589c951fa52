"""docs/mirror.md tells every column of the record and every option of the verb."""

import re

import pytest

from cli.app import app
from dailies.mirror.mirrored import COLUMNS, CopyStatus
from tests.workplace import ROOT

PAGE = (ROOT / "docs/mirror.md").read_text("utf-8")


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_is_told(column: str) -> None:
    told = re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    assert any(f"`{column}`" in cell for cell in told)


@pytest.mark.parametrize("status", CopyStatus)
def test_every_status_is_told(status: CopyStatus) -> None:
    assert f"`{status}`" in PAGE


def test_every_option_is_told() -> None:
    for argument in app["mirror"].assemble_argument_collection():
        assert argument.names[0] in PAGE
