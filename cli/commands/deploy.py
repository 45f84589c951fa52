"""`deploy`, `serve`: production on a Prefect server."""

import asyncio
from typing import Annotated

from cyclopts import Parameter
from cyclopts.types import PositiveInt

from cli.screen.console import console, say


def deploy(
    *,
    check: Annotated[bool, Parameter(negative="", help="Only say what differs; exit code 1 if anything does.")] = False,
    pool_type: Annotated[str, Parameter(help="Of a work pool that has to be made: process, docker, ...")] = "process",
) -> int:
    """Bring a Prefect server up to prefect.yaml.

    Example: dailies deploy --check
    """
    from cli.flow_runner import await_server, begin_server, prepare_prefect
    from dailies.settings import load_settings

    settings = load_settings()
    prepare_prefect(settings)
    out = console()
    server = begin_server()
    await_server(server, out, settings)

    from flows.deployment.deploy import deploy as bring_up

    async def differences() -> int:
        number = 0
        async for difference in bring_up(settings, pool_type=pool_type, only_look=check):
            number += 1
            say(out, f"{difference}{'' if check else ': made so'}")
        return number

    found = asyncio.run(differences())
    if found == 0:
        say(out, f"{server.ui_url} is as it should be.")
    elif not check:
        say(out, f"{server.ui_url} is as it should be now. A worker runs it: prefect worker start --pool dailies")
    if settings.alarm_block is None:
        say(out, "No alarm is sent: DAILIES_ALARM_BLOCK names no notification block (docs/operations.md).", "yellow")
    return 1 if check and found else 0


def serve(*, limit: Annotated[PositiveInt, Parameter(help="Runs at a time.")] = 2) -> int:
    """Run the deployments on this machine, without a worker.

    Example: dailies serve
    """
    from cli.flow_runner import await_server, begin_server, prepare_prefect
    from dailies.settings import load_settings

    settings = load_settings()
    prepare_prefect(settings)
    server = begin_server()
    await_server(server, console(), settings)

    from flows.deployment.serve import serve as serve_here

    asyncio.run(serve_here(limit))
    return 0
