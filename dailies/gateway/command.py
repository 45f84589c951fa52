"""The command line of the sandbox: ``dailies sandbox`` mounts it, ``python -m dailies.gateway`` runs it alone."""

import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from dailies.gateway.hosting.process import stop_sandbox
from dailies.gateway.options import SandboxOptions

DataDir = Annotated[Path | None, Parameter(help="Its folder; default: `sandbox` in the data folder.")]


def sandbox_app(own_folder: Callable[[], Path], project: Callable[[], tuple[str, str]]) -> App:
    """Make the app.

    Args:
        own_folder: returns the data folder of a sandbox when no ``--data-dir`` is given.
        project: returns the URL and service key of the Supabase project that ``--supabase`` means.
    """
    app = App(
        name="sandbox",
        help="Run a local GeekHub: real videos, no money.\n\nExample: dailies sandbox --speed 60",
        sort_key=20,
    )

    @app.default
    def start(
        *,
        port: Annotated[int | None, Parameter(help="Its port; default: the folder's own.")] = None,
        speed: Annotated[float, Parameter(help="How many times faster than GeekHub it renders.")] = 60.0,
        data_dir: DataDir = None,
        seed: Annotated[int, Parameter(help="Seed of the render times, for a new folder.")] = 0,
        fx: Annotated[Decimal, Parameter(help="MXN per USD, for a new folder.")] = Decimal(20),
        balance: Annotated[Decimal, Parameter(help="MXN to begin with, for a new folder.")] = Decimal("100000.00"),
        rate: Annotated[
            float | None, Parameter(help="Submits a second of one organisation; default: no limit.")
        ] = None,
        burst: Annotated[int, Parameter(help="Submits at once under --rate.")] = 1,
        plain_video: Annotated[bool, Parameter(help="Tiny shared clips, for thousands of jobs.")] = False,
        faults: Annotated[Path | None, Parameter(help="A fault script (TOML).")] = None,
        supabase: Annotated[bool, Parameter(help="Keep the videos in the project of SUPABASE_URL.")] = False,
        background: Annotated[bool, Parameter(help="Write to `sandbox.log`, not to the screen.")] = False,
    ) -> int:
        """Run the sandbox in the foreground until Ctrl-C; it prints what to export.

        Example: dailies sandbox --speed 60
        """
        url, key = project() if supabase else (None, None)
        options = SandboxOptions(
            data_dir=data_dir or own_folder(),
            port=port,
            speed=speed,
            seed=seed,
            fx_mxn_per_usd=fx,
            balance_mxn=balance,
            requests_per_second=rate,
            burst=burst,
            plain_video=plain_video,
            faults=faults,
            supabase_url=url,
            supabase_key=key,
        )
        from dailies.gateway.hosting.foreground import serve  # the web server takes a while to import

        serve(options, background=background)
        return 0

    _add_stop(app, own_folder)
    return app


def _add_stop(app: App, own_folder: Callable[[], Path]) -> None:
    @app.command
    def stop(*, data_dir: DataDir = None) -> int:
        """Stop the running sandbox.

        Example: dailies sandbox stop
        """
        has_run = stop_sandbox(data_dir or own_folder())
        sys.stdout.write("The sandbox is stopped.\n" if has_run else "No sandbox was running.\n")
        return 0
