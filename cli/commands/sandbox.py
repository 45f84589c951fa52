"""`sandbox`: run or stop the local gateway."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from cli.screen.console import console

if TYPE_CHECKING:
    from dailies.gateway.options import SandboxOptions

DataDir = Annotated[Path | None, Parameter(help="Its folder; default: `sandbox` in the data folder.")]

app = App(
    name="sandbox",
    help="Run a local GeekHub: real videos, no money.\n\nExample: dailies sandbox --speed 60",
    sort_key=20,
)


@app.default
def start_sandbox(
    *,
    port: Annotated[int | None, Parameter(help="Its port; default: the folder's own.")] = None,
    speed: Annotated[float, Parameter(help="How many times faster than GeekHub it renders.")] = 60.0,
    data_dir: DataDir = None,
    seed: Annotated[int, Parameter(help="Seed of the render times.")] = 0,
    faults: Annotated[Path | None, Parameter(help="A fault script (TOML).")] = None,
    supabase: Annotated[bool, Parameter(help="Keep the videos in the project of SUPABASE_URL.")] = False,
) -> int:
    """Run the sandbox in the foreground until Ctrl-C; it prints what to export.

    Example: dailies sandbox --speed 60
    """
    from dailies.gateway.hosting.foreground import serve
    from dailies.gateway.options import SandboxOptions

    options = SandboxOptions(data_dir or _own_folder(), port, speed, seed, faults=faults)
    serve(_with_project(options) if supabase else options)
    return 0


def _own_folder() -> Path:
    from cli.service import sandbox_folder
    from dailies.settings import load_settings

    return sandbox_folder(load_settings())


def _with_project(options: "SandboxOptions") -> "SandboxOptions":
    from dataclasses import replace

    from dailies.errors import SettingsError
    from dailies.settings import load_settings

    settings = load_settings()
    if settings.supabase_url is None or settings.supabase_service_key is None:
        raise SettingsError(
            "--supabase needs SUPABASE_URL and SUPABASE_SERVICE_KEY; docs/mirror.md says where to find them"
        )
    key = settings.supabase_service_key.get_secret_value()
    return replace(options, supabase_url=settings.supabase_url, supabase_key=key)


@app.command(name="stop")
def stop_sandbox(*, data_dir: DataDir = None) -> int:
    """Stop the running sandbox.

    Example: dailies sandbox stop
    """
    from dailies.gateway.hosting.process import stop_sandbox as stop

    console().print("The sandbox is stopped." if stop(data_dir or _own_folder()) else "No sandbox was running.")
    return 0
