"""The `dailies` command in this process: quick, and with everything it says."""

import os
import sys
from dataclasses import dataclass

import pytest

from cli.app import main


@dataclass(frozen=True)
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str


def dailies(capsys: pytest.CaptureFixture[str], *arguments: object) -> Said:
    """Run ``dailies ...``; the environment is as before afterwards, for the command sets variables at its edge."""
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
