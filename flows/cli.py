"""The `dailies` command: its verbs, and what an error looks like."""

import sys
from importlib.metadata import version

import cyclopts
from cyclopts import App

from dailies.errors import DailiesError
from dailies.sandbox.errors import SandboxError
from flows.commands.production import demo, plan, results, run
from flows.commands.sandbox import app as sandbox_app
from flows.commands.server import app as server_app
from flows.console import complain

app = App(
    name="dailies",
    help="Turn CSVs of prompts into finished AI videos, with an exact account of what each one cost.",
    version=version("dailies"),
)
app.command(plan)
app.command(run)
app.command(results)
app.command(demo, show=False)
app.command(sandbox_app)
app.command(server_app)


def main() -> None:
    """Run the command; every error is one message and an exit code (2: refused before anything was spent)."""
    try:
        code = app(result_action="return_value", exit_on_error=False)
    except DailiesError as error:
        complain(str(error))
        code = error.exit_code
    except SandboxError as error:
        complain(str(error))
        code = 2
    except cyclopts.CycloptsError:
        code = 2
    except KeyboardInterrupt:
        code = 130
    sys.exit(code if isinstance(code, int) else 0)
