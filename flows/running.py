"""Running a flow from the command line: the Prefect server, the log, Ctrl-C, the progress; then what became of it."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

from rich.console import Console

from dailies.errors import DailiesError, ServerError
from dailies.production import Production, watcher
from dailies.settings import Settings
from flows.display import ProgressDisplay
from flows.server import Server, affordable_events_per_s, find_server, start_server, wait_for_server


def prepare_prefect(settings: Settings) -> None:
    """Tell Prefect how much to say on the console; to be called before it is first imported."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", settings.log_level)
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")


def begin_server() -> Server:
    """The Prefect server that answers, or one that is just starting.

    Raises:
        ServerError: the configured one does not answer, or none can be started.
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
    """Wait until the server answers, and make it the one that flows speak to."""
    with console.status("Waiting for the Prefect server ..."):
        for _ in wait_for_server(server):
            pass
    os.environ["PREFECT_API_URL"] = server.api_url
    os.environ["DAILIES_EVENTS_PER_S"] = str(affordable_events_per_s(server, settings.events_per_s))


def run_generate(console: Console, csv: Path, **parameters: Any) -> None:
    """Run the flow in this process with its progress on the console.

    Raises:
        DailiesError: the flow refused before anything was spent.
    """
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.generate import generate

    with temporary_settings({PREFECT_API_URL: os.environ["PREFECT_API_URL"]}):
        asyncio.run(_watched(generate, console, str(csv), parameters))


async def _watched(flow: Any, console: Console, csv: str, parameters: dict[str, Any]) -> None:
    display = ProgressDisplay(console)
    beside: list[asyncio.Task[None]] = []

    def watch(production: Production) -> None:
        beside.append(asyncio.create_task(display.watch(production)))
        _stop_on_interrupt(production, console)

    token = watcher.set(watch)
    try:
        state = await flow(csv, return_state=True, **parameters)
    finally:
        watcher.reset(token)
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
    cause = await state.aresult(raise_on_failure=False) if state.is_failed() or state.is_crashed() else None
    if isinstance(cause, DailiesError):
        raise cause
    if state.message and (state.is_failed() or state.is_crashed() or state.is_cancelled()):
        console.print(state.message, style="bold red", highlight=False)


def _stop_on_interrupt(production: Production, console: Console) -> None:
    """Ctrl-C once: stop in good order. Twice: leave at once; the journal has everything."""

    def first() -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, lambda: os._exit(130))
        console.print("Stopping; nothing is lost. Ctrl-C once more leaves at once.", style="yellow")
        production.stop.everything("interrupted")

    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, first)
