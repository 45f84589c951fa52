"""``python -m dailies.gateway``: the sandbox's command line without the rest of Dailies."""

import os
import sys
from pathlib import Path

from dailies.gateway.command import sandbox_app
from dailies.gateway.hosting.errors import SandboxError


def main() -> int:
    """Run the command; 2 when it is refused."""
    app = sandbox_app(lambda: Path("data/sandbox"), _project)
    try:
        code = app(sys.argv[1:], result_action="return_value", exit_on_error=False, print_error=False)
    except (SandboxError, ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return code if isinstance(code, int) else 0


def _project() -> tuple[str, str]:
    return os.environ.get("SUPABASE_URL", ""), os.environ.get("SUPABASE_SERVICE_KEY", "")


if __name__ == "__main__":
    sys.exit(main())
