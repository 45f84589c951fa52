"""Running a flow from the command line: the Prefect server, the log, Ctrl-C, the progress; then what became of it."""

import asyncio
import os
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from dailies.errors import DailiesError, LedgerError, RefusedError, ServerError, ServerLostError
from dailies.production import Production, watcher
from dailies.settings import Settings
from flows.console import say
from flows.interrupts import Interrupts
from flows.progress import ProgressDisplay, logs_above
from flows.server import (
    Server,
    affordable_events_per_s,
    find_server,
    require_compatible,
    start_server,
    wait_for_server,
)


def prepare_prefect(settings: Settings) -> None:
    """Tell Prefect how much to say on the console; to be called before it is first imported."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", settings.log_level)
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")


def begin_server() -> Server:
    """The Prefect server that answers, or one that is just starting.

    Raises:
        ServerError: the configured one does not answer or is of another version, or none can be started.
    """
    from prefect.settings import get_current_settings

    configured = get_current_settings().api.url
    found = find_server(configured)
    if found is None and configured:
        raise ServerError(
            f"No Prefect server answers at {configured} (PREFECT_API_URL): start it, or unset the variable, and"
            " a local one is started."
        )
    return found or start_server()


def await_server(server: Server, console: Console, settings: Settings) -> None:
    """Wait until the server answers, and make it the one that flows speak to.

    Raises:
        ServerError: it does not start, or is of another version.
    """
    with console.status("Waiting for the Prefect server ..."):
        for _ in wait_for_server(server):
            pass
    require_compatible(server)
    os.environ["PREFECT_API_URL"] = server.api_url
    os.environ["DAILIES_EVENTS_PER_S"] = str(affordable_events_per_s(server, settings.events_per_s))


def run_generate(console: Console, csv: Path, **parameters: Any) -> str | None:
    """Run the flow in this process with its progress on the console.

    Returns:
        None when it came to a good end, else what stopped it, in words.

    Raises:
        RefusedError: before anything was spent.
        ServerLostError: the Prefect server stopped answering.
    """
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.generate import generate

    url = os.environ["PREFECT_API_URL"]
    with temporary_settings({PREFECT_API_URL: url}), logs_above(console):
        try:
            return asyncio.run(_watched(generate, console, str(csv), parameters))
        except (httpx.HTTPError, RuntimeError) as error:
            raise _server_lost(url, error) from error


async def _watched(flow: Any, console: Console, csv: str, parameters: dict[str, Any]) -> str | None:
    display = ProgressDisplay(console)
    interrupts = Interrupts(lambda text: say(console, text, "yellow"), display.stop)
    beside: list[asyncio.Task[None]] = []

    def watch(production: Production) -> None:
        beside.append(asyncio.create_task(display.watch(production.progress)))
        interrupts.watch(production)

    interrupts.listen()
    token = watcher.set(watch)
    try:
        state = await flow(csv, return_state=True, **parameters)
    finally:
        watcher.reset(token)
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
    if not (state.is_failed() or state.is_crashed() or state.is_cancelled()):
        return None
    cause = None if state.is_cancelled() else await state.aresult(raise_on_failure=False)
    return _told(cause, state.message, has_begun=bool(beside))


def _told(cause: Any, message: str | None, *, has_begun: bool) -> str:
    """What stopped a run, in words; raised where nothing was claimed yet, for then nothing was spent."""
    if isinstance(cause, httpx.HTTPError):
        raise _server_lost(os.environ["PREFECT_API_URL"], cause) from cause
    if isinstance(cause, LedgerError) and not has_begun:
        raise RefusedError(f"{cause}. Nothing was spent.") from cause
    if isinstance(cause, DailiesError):
        raise cause
    return message or "The run ended early."


def _server_lost(url: str, error: Exception) -> ServerLostError:
    return ServerLostError(
        f"The Prefect server at {url} stopped answering ({type(error).__name__}). What was submitted is in the"
        " journal; the same command goes on where this run ended."
    )
