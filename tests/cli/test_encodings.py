"""Terminals without Unicode: characters are replaced, and JSON stays exact."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.workplace import DAILIES


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_without_unicode_gets_every_line(tmp_path: Path, encoding: str) -> None:
    prompt = "un corazón de café \N{RIGHTWARDS ARROW} 漢"
    (tmp_path / "café 漢.csv").write_text(f"prompt\n{prompt}\n", "utf-8")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONIOENCODING": encoding}

    def run(*words: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run([DAILIES, *words], cwd=tmp_path, env=env, capture_output=True, check=False)

    said = run("results", "café 漢.csv")
    assert (said.returncode, said.stderr) == (3, b"")
    assert "1 not claimed" in said.stdout.decode(encoding)
    read = json.loads(run("results", "café 漢.csv", "--json").stdout.decode(encoding))
    assert read["source"] == "café 漢.csv"
    assert "Nothing is open." in run("status").stdout.decode(encoding)
    assert "?" in run("results", "漢.csv").stderr.decode(encoding)
