"""Child processes: no module of the working folder is run, and no secret is handed to a child that needs none."""

import ast
from pathlib import Path

import pytest

from cli.prefect_server import Server, _environment
from dailies.settings import environment_without_secrets
from tests.factories import LIVE_KEY

ROOT = Path(__file__).parents[2]


def test_every_child_ignores_modules_of_the_working_folder() -> None:
    without = []
    for path in (path for top in ("cli", "dailies", "flows", "tasks") for path in (ROOT / top).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.List | ast.Tuple) and node.elts and ast.unparse(node.elts[0]) == "sys.executable":
                first = node.elts[1] if len(node.elts) > 1 else None
                if not (isinstance(first, ast.Constant) and first.value == "-P"):
                    without.append(f"{path.relative_to(ROOT)}:{node.lineno}")
            elif isinstance(node, ast.Call) and any(ast.unparse(word) == "sys.executable" for word in node.args):
                without.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert without == []


def test_a_prefect_server_gets_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEEKHUB_API_KEY", LIVE_KEY)
    monkeypatch.setenv("SUPABASE_SERVICE_KEY", "sb_secret_0123456789")
    passed_on = _environment(Server("http://127.0.0.1:4200/api"))
    assert LIVE_KEY not in passed_on.values()
    assert "sb_secret_0123456789" not in passed_on.values()
    assert "PATH" in passed_on


def test_only_secrets_are_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    before = environment_without_secrets()
    monkeypatch.setenv("GEEKHUB_API_KEY", LIVE_KEY)
    monkeypatch.setenv("supabase_service_key", "sb_secret_0123456789")
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "dailies:a-long-secret")
    monkeypatch.setenv("DAILIES_DATA_DIR", "elsewhere")
    without = {**before, "DAILIES_DATA_DIR": "elsewhere"}
    assert environment_without_secrets() == without
    with_password = {**without, "PREFECT_API_AUTH_STRING": "dailies:a-long-secret"}
    assert environment_without_secrets(for_prefect=True) == with_password
