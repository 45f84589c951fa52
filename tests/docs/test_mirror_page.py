"""docs/mirror.md explains every column and status of the record, and every option of the verb."""

import re

from cli.app import app
from dailies.mirror.record import COLUMNS, CopyStatus
from tests.workplace import ROOT

PAGE = (ROOT / "docs/mirror.md").read_text("utf-8")


def test_every_column_is_explained() -> None:
    explained = " ".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE))
    assert [column for column in COLUMNS if f"`{column}`" not in explained] == []


def test_every_status_is_explained() -> None:
    assert [status for status in CopyStatus if f"`{status}`" not in PAGE] == []


def test_every_option_is_explained() -> None:
    options = [argument.names[0] for argument in app["mirror"].assemble_argument_collection()]
    assert [option for option in options if option not in PAGE] == []
