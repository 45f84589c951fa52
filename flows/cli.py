"""The `dailies` command. What a verb needs is imported when it runs, so that help and mistakes answer at once."""

import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import App, Parameter
from rich.console import Console

from dailies.errors import DailiesError
from dailies.sandbox.errors import SandboxError

app = App(
    name="dailies",
    help="Turn CSVs of prompts into finished AI videos, with an exact account of what each one cost.",
    version_flags=["--version"],
)
sandbox_app = App(name="sandbox", help="The embedded gateway: the same API, real videos, no money.")
server_app = App(name="server", help="The local Prefect server.")
app.command(sandbox_app)
app.command(server_app)

Csv = Annotated[Path, Parameter(help="The CSV of prompts.")]
MaxCost = Annotated[Decimal | None, Parameter(help="What this run may cost at worst, in MXN.")]
MaxMonth = Annotated[Decimal | None, Parameter(help="What the month may come to, in MXN.")]
Fit = Annotated[bool, Parameter(negative="", help="Take rows in order until a cap is reached.")]
SkipBad = Annotated[bool, Parameter(negative="", help="Note unreadable rows as rejected and go on with the others.")]
Retry = Annotated[bool, Parameter(negative="", help="Give rows that ended as failed a new round.")]


@app.command
def plan(
    csv: Csv,
    *,
    max_cost_mxn: MaxCost = None,
    max_month_mxn: MaxMonth = None,
    fit: Fit = False,
    skip_bad_rows: SkipBad = False,
    retry_failed: Retry = False,
) -> int:
    """Show what is left to do in a CSV and what it may cost. Changes nothing.

    Example: dailies plan data/prompts/sample.csv
    """
    from flows.job import open_job

    job = open_job(csv, max_cost_mxn, max_month_mxn, fit=fit, skip_bad_rows=skip_bad_rows, retry_failed=retry_failed)
    job.show_plan(_console())
    return 0


@app.command
def run(
    csv: Csv,
    *,
    max_cost_mxn: MaxCost = None,
    max_month_mxn: MaxMonth = None,
    fit: Fit = False,
    skip_bad_rows: SkipBad = False,
    retry_failed: Retry = False,
    yes: Annotated[bool, Parameter(negative="", help="Do not ask before spending.")] = False,
    take_over: Annotated[tuple[str, ...], Parameter(help="Batches of hanging runs, whose rows are taken.")] = (),
) -> int:
    """Make the videos of a CSV. The same command again goes on where it ended, and buys nothing twice.

    Example: dailies run prompts.csv --max-cost-mxn 500
    """
    from flows.job import open_job

    job = open_job(csv, max_cost_mxn, max_month_mxn, fit=fit, skip_bad_rows=skip_bad_rows, retry_failed=retry_failed)
    return job.run(_console(), yes=yes, take_over=take_over)


@app.command
def results(csv: Csv, *, output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None) -> int:
    """Write the results CSV of a file as it stands now: its own columns, and what became of each row.

    Example: dailies results prompts.csv -o done.csv
    """
    from flows.job import open_job

    return open_job(csv, skip_bad_rows=True, offline=True).write_results(_console(), output)


@app.command(show=False)
def demo(*, fresh: bool = False) -> int:
    """The main job on data/prompts/sample.csv, on the sandbox, from beginning to end."""
    from flows.demo import run_demo

    return run_demo(_console(), fresh=fresh)


@sandbox_app.default
def start_sandbox(
    *,
    port: Annotated[int | None, Parameter(help="Where it listens; by default the folder's own port.")] = None,
    speed: Annotated[float, Parameter(help="How many times faster than real its models render.")] = 60.0,
    data_dir: Annotated[Path, Parameter(help="The folder of all it knows.")] = Path("data/sandbox"),
    seed: Annotated[int, Parameter(help="Seed of the render times.")] = 0,
    faults: Annotated[Path | None, Parameter(help="A fault script (TOML).")] = None,
) -> int:
    """Run the sandbox in the foreground until Ctrl-C; it prints what to export.

    Example: dailies sandbox --speed 60
    """
    from dailies.sandbox.foreground import serve
    from dailies.sandbox.options import SandboxOptions

    serve(SandboxOptions(data_dir, port, speed, seed, faults=faults))
    return 0


@sandbox_app.command(name="stop")
def stop_sandbox(*, data_dir: Path = Path("data/sandbox")) -> int:
    """Stop the sandbox that a run has left running.

    Example: dailies sandbox stop
    """
    from dailies.sandbox.process import stop_sandbox as stop

    _console().print("The sandbox is stopped." if stop(data_dir) else "No sandbox was running.")
    return 0


@server_app.command(name="start")
def start_server() -> int:
    """Start a tuned local Prefect server, if none answers, and leave it running.

    Example: dailies server start
    """
    from dailies.settings import load_settings
    from flows.running import await_server, begin_server, prepare_prefect

    settings = load_settings()
    prepare_prefect(settings)
    server = begin_server()
    await_server(server, _console(), settings)
    _console().print(f"Prefect: {server.ui_url}")
    return 0


@server_app.command(name="stop")
def stop_server() -> int:
    """Stop the Prefect server that Dailies has started.

    Example: dailies server stop
    """
    from flows.server import stop_server as stop

    stopped = stop()
    _console().print(f"Stopped the Prefect server at {stopped.ui_url}." if stopped else "None of ours was running.")
    return 0


def _console() -> Console:
    return Console(highlight=False)


def main() -> None:
    """Run the command; every error is one message and an exit code (2: refused before anything was spent)."""
    try:
        code = app(result_action="return_value", exit_on_error=False)
    except DailiesError as error:
        _complain(str(error))
        code = error.exit_code
    except SandboxError as error:
        _complain(str(error))
        code = 2
    except cyclopts.CycloptsError:
        code = 2
    except KeyboardInterrupt:
        code = 130
    sys.exit(code if isinstance(code, int) else 0)


def _complain(message: str) -> None:
    Console(stderr=True, highlight=False).print(message, style="red", soft_wrap=True, markup=False)
