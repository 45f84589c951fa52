"""`serve`: the deployments on this machine, without a worker."""

import asyncio
from typing import Annotated

from cyclopts import Parameter
from cyclopts.types import PositiveInt

from cli.screen.console import console


def serve(*, limit: Annotated[PositiveInt, Parameter(help="Runs at the same time.")] = 2) -> int:
    """Run the deployments on this machine, without a worker.

    Example: dailies serve
    """
    from cli.flow_runner import await_server, begin_server, prepare_prefect
    from dailies.settings import load_settings

    settings = load_settings()
    prepare_prefect(settings)
    await_server(begin_server(), console(), settings)

    from flows.deployment.serve import serve as serve_here

    asyncio.run(serve_here(limit))
    return 0
