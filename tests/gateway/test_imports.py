"""The gateway's test fixtures are the only part of it that needs pytest."""

from pathlib import Path

import dailies.gateway


def test_only_the_module_of_fixtures_imports_pytest():
    folder = Path(dailies.gateway.__file__).parent

    assert [path.name for path in folder.rglob("*.py") if "import pytest" in path.read_text("utf-8")] == ["testing.py"]
