"""Client and server meet over HTTP only: the sandbox imports no other part of Dailies but the catalogue."""

import ast
from pathlib import Path

import dailies.gateway

ALLOWED = ("dailies.catalogue", "dailies.gateway")


def imported_names(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            names.add(node.module or "")
    return names


def test_sandbox_knows_the_catalogue_only():
    for path in Path(dailies.gateway.__file__).parent.rglob("*.py"):
        ours = {name for name in imported_names(path) if name.split(".")[0] in ("dailies", "tasks", "flows")}
        assert all(name.startswith(ALLOWED) for name in ours), f"{path.name}: {ours}"


def test_only_the_test_module_imports_pytest():
    folder = Path(dailies.gateway.__file__).parent
    importing = [path.name for path in folder.rglob("*.py") if "pytest" in imported_names(path)]
    assert importing == ["testing.py"]
