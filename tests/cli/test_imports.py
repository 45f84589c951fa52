"""No waiting at the prompt: a verb imports only what it uses."""

import subprocess
import sys
from pathlib import Path

import pytest

_HEAVY = (
    "prefect",
    "fastapi",
    "starlette",
    "uvicorn",
    "av",
    "PIL",
    "jinja2",
    "pygal",
    "supabase",
    "openpyxl",
    "fsspec",
)
_RUN = """
import sys
from cli.app import main
try:
    main()
except SystemExit:
    pass
print(*sorted(set(sys.modules) & set(sys.stdin.read().split())), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("verb", "needed"),
    [
        ("--help", set()),
        ("validate prompts.csv", set()),
        ("status", set()),
        ("results prompts.csv", set()),
        ("ledger verify", set()),
        ("doctor", {"prefect", "fsspec", "jinja2", "starlette"}),  # it asks Prefect's settings where the server is
    ],
)
def test_a_verb_imports_only_what_it_uses(tmp_path: Path, verb: str, needed: set[str]) -> None:
    (tmp_path / "prompts.csv").write_text("prompt\na lighthouse at dusk\n", "utf-8")
    code = f"import sys; sys.argv = ['dailies', *{verb.split()!r}]\n{_RUN}"
    ran = subprocess.run(
        [sys.executable, "-c", code], input=" ".join(_HEAVY), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert set(ran.stderr.splitlines()[-1].split()) <= needed


def test_help_imports_no_arrow(tmp_path: Path) -> None:
    code = "import sys, cli.app; sys.exit(bool({'pyarrow', 'pandas', 'numpy', 'httpx', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0
