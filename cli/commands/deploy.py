"""`deploy`: the deployments on a Prefect server."""

import asyncio
from typing import Annotated

from cyclopts import Parameter

from cli.screen.console import console, say


def deploy(
    *,
    pool_type: Annotated[str, Parameter(help="Type of a work pool to create: process, docker, ...")] = "process",
    open_server: Annotated[bool, Parameter(help="Store the key on a server that asks for no password, too.")] = False,
) -> int:
    """Make a Prefect server match prefect.yaml.

    It creates what is missing and updates what differs; what an operator chose stays.

    Example: dailies deploy --pool-type docker
    """
    from cli.flow_runner import await_server, begin_server, prepare_prefect
    from cli.prefect_checks import warn_if_open
    from cli.prefect_password import password_path
    from cli.prefect_server import own_password
    from dailies.settings import load_settings

    settings = load_settings()
    prepare_prefect(settings)
    out = console()
    server = begin_server()
    await_server(server, out, settings)
    may_store_key = not warn_if_open(out, server) or open_server
    access = f". {password_path()} && " if own_password(server) else ""

    from flows.deployment.deploy import deploy as update_server

    async def show_changes() -> int:
        number = 0
        async for change in update_server(settings, pool_type=pool_type, may_store_key=may_store_key):
            number += 1
            say(out, change)
        return number

    if asyncio.run(show_changes()):
        say(out, f"{server.ui_url} is up to date. A worker runs its runs: {access}prefect worker start --pool dailies")
    else:
        say(out, f"{server.ui_url} was up to date already.")
    if settings.alarm_block is None:
        say(out, "No alarm is sent: DAILIES_ALARM_BLOCK names no notification block (docs/operations.md).", "yellow")
    return 0
