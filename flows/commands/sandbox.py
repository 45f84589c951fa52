"""`sandbox`: run or stop the embedded gateway."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from flows.console import console

app = App(
    name="sandbox",
    help="Run a local GeekHub: real videos, no money.\n\nExample: dailies sandbox --speed 60",
    sort_key=20,
)


@app.default
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


@app.command(name="stop")
def stop_sandbox(*, data_dir: Annotated[Path, Parameter(help="Its folder.")] = Path("data/sandbox")) -> int:
    """Stop the sandbox that goes on running.

    Example: dailies sandbox stop
    """
    from dailies.sandbox.process import stop_sandbox as stop

    console().print("The sandbox is stopped." if stop(data_dir) else "No sandbox was running.")
    return 0
