"""Where a deployed flow works: the pull step of every deployment."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def enter_project() -> dict[str, str]:
    """Work in the clone that this code lies in; an installed package stays where its worker or image has put it.

    So relative paths (the CSV, ``data/``, ``.env``) mean the same as at the command line, on every machine.
    """
    if (ROOT / "pyproject.toml").exists():
        os.chdir(ROOT)
    return {"directory": str(Path.cwd())}
