"""Runs a flow from the command line: the Prefect server, the log, Ctrl-C, the progress; then why it ended."""

import asyncio
import os
import sys
from dataclasses import asdict
from typing import Any, NoReturn

import httpx
from rich.console import Console

from cli.interrupts import Interrupts
from cli.prefect_http import answers, is_missing, until_lost
from cli.prefect_server import (
    Server,
    affordable_events_per_s,
    connect,
    find_server,
    require_compatible,
    start_server,
    wait_for_server,
)
from cli.screen.console import complain, say
from cli.screen.logs import logs_above
from cli.screen.progress import ProgressDisplay
from dailies.errors import DailiesError, LedgerError, RefusedError, ServerError, ServerLostError
from dailies.planning.options import RunOptions
from dailies.run.context import RunContext, watcher
from dailies.settings import Settings

POOL = "dailies"
_FAREWELL_S = 5.0


def prepare_prefect(settings: Settings) -> None:
    """Set how much Prefect logs on the console; call this before Prefect is first imported."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", settings.log_level)
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")


def begin_server() -> Server:
    """Return the Prefect server that answers, or start one.

    Raises:
        ServerError: the configured one does not answer or is of another version, or none can be started.
    """
    from prefect.settings import get_current_settings

    configured = get_current_settings().api.url
    found = find_server(configured)
    if found is None and configured:
        raise ServerError(
            f"No Prefect server answers at {configured} (PREFECT_API_URL): start it, or unset the variable, and"
            " Dailies starts a local one."
        )
    return found or start_server()


def await_server(server: Server, console: Console, settings: Settings) -> None:
    """Wait until the server answers, and let flows use it.

    Raises:
        ServerError: it does not start, or is of another version.
    """
    with console.status("Waiting for the Prefect server ..."):
        for _ in wait_for_server(server):
            pass
    connect(server)
    require_compatible(server)
    os.environ["DAILIES_EVENTS_PER_S"] = str(affordable_events_per_s(server, settings.events_per_s))


def ensure_pool(server: Server) -> None:
    """Create the work pool of ``prefect.yaml`` on a server that has none; its type is ``process``."""
    if not is_missing(f"{server.api_url}/work_pools/{POOL}"):  # importing Prefect's client takes seconds
        return
    from prefect import get_client

    from flows.deployment.pools import make_pool

    async def make() -> None:
        async with get_client() as client:
            await make_pool(client, POOL, "process")

    asyncio.run(make())


def run_generate(console: Console, options: RunOptions) -> str | None:
    """Run the flow in this process; show its progress on the console.

    Returns:
        None after a good end, else what stopped it, in words.

    Raises:
        RefusedError: before anything was spent.
        DailiesError: the run could not begin, or a batch could not be recorded.

    If the Prefect server is lost, this ends the process with a message and exit code 3.
    """
    from flows.generate import generate

    with logs_above(console):
        try:
            return asyncio.run(_watched(generate, console, options))
        except (httpx.HTTPError, ServerLostError):
            _leave(_server_lost(os.environ["PREFECT_API_URL"]))


async def _watched(flow: Any, console: Console, options: RunOptions) -> str | None:
    display = ProgressDisplay(console)
    interrupts = Interrupts(lambda text: say(console, text, "yellow"), display.stop)
    begun: list[RunContext] = []
    beside: list[asyncio.Task[None]] = []

    def watch(context: RunContext) -> None:
        begun.append(context)
        beside.append(asyncio.create_task(display.watch(context.progress)))
        interrupts.watch(context.stop)

    interrupts.listen()
    token = watcher.set(watch)
    try:
        state = await _unless_lost(
            asyncio.ensure_future(flow(return_state=True, **_parameters(options))), console, begun
        )
    except ServerLostError as error:
        display.stop()
        _leave(error)
    finally:
        watcher.reset(token)
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
    if not (state.is_failed() or state.is_crashed() or state.is_cancelled()):
        return None
    cause = None if state.is_cancelled() else await state.aresult(raise_on_failure=False)
    return _explain(cause, state.message, begun)


def _parameters(options: RunOptions) -> dict[str, Any]:
    """Return the flow's parameters: the options, with the first source apart and no text left out."""
    given = asdict(options)
    csv, *more_csv = given.pop("sources")
    reading = given.pop("reading")
    texts = {"template": reading["template"] or "", "mirror_to": options.mirror_to or ""}
    return {**given, **reading, **texts, "csv": csv, "more_csv": more_csv}


async def _unless_lost(run: "asyncio.Future[Any]", console: Console, begun: list[RunContext]) -> Any:
    """Wait for a flow; leave it when its server is lost, because Prefect itself would retry for minutes."""
    url = os.environ["PREFECT_API_URL"]
    lost = asyncio.create_task(
        until_lost(lambda: asyncio.to_thread(answers, url), lambda text: say(console, text, "yellow"))
    )
    await asyncio.wait([run, lost], return_when=asyncio.FIRST_COMPLETED)
    if run.done():
        lost.cancel()
        return run.result()
    for context in begun:  # answers under way still reach the journal; the next run folds it
        context.stop.everything("the Prefect server is lost")
        await context.finish_answers()
    await asyncio.wait([run], timeout=_FAREWELL_S)
    raise _server_lost(url)


def _explain(cause: Any, message: str | None, begun: list[RunContext]) -> str:
    """Say what stopped a run; raise it if nothing was claimed yet, because then nothing was spent."""
    if isinstance(cause, httpx.HTTPError):
        raise _server_lost(os.environ["PREFECT_API_URL"]) from cause
    if isinstance(cause, LedgerError) and not begun:
        raise RefusedError(f"{cause}. Nothing was spent.") from cause
    if isinstance(cause, DailiesError):
        raise cause
    reason = begun[0].stop.reason if begun else None
    return message or "The run ended early." if reason is None else _stopped_by(reason)


def _stopped_by(reason: BaseException | str) -> str:
    remedy = getattr(reason, "remedy", "")
    return f"Stopped: {str(reason).rstrip('.')}." + (f" {remedy[:1].upper()}{remedy[1:]}." if remedy else "")


def _server_lost(url: str) -> ServerLostError:
    return ServerLostError(
        f"The Prefect server at {url} stopped answering. What was submitted is in the journal; the same command"
        " continues where this run ended."
    )


def _leave(error: ServerLostError) -> NoReturn:
    """End the process at once: Prefect's threads would retry for minutes to reach the lost server."""
    complain(str(error))
    sys.stdout.flush()
    os._exit(error.exit_code)
