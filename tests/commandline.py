"""Runs the `dailies` command in this process: quickly, and with everything that it prints."""

import os
import sys
from dataclasses import dataclass

import pytest

from cli.app import main


@dataclass(frozen=True)
class Said:
    """The output of a command and its exit code."""

    code: int
    out: str
    err: str


def dailies(capsys: pytest.CaptureFixture[str], *arguments: object) -> Said:
    """Run ``dailies ...`` and restore the environment, because the command sets variables."""
    before = dict(os.environ)
    argv, sys.argv = sys.argv, ["dailies", *map(str, arguments)]
    try:
        with pytest.raises(SystemExit) as ended:
            main()
    finally:
        sys.argv = argv
        os.environ.clear()
        os.environ.update(before)
    said = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return Said(ended.value.code, said.out, said.err)
