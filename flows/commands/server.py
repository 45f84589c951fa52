"""`server`: start or stop the local Prefect server."""

from cyclopts import App

from flows.console import console

app = App(name="server", help="The local Prefect server.")


@app.command(name="start")
def start_server() -> int:
    """Start a tuned local Prefect server, if none answers, and leave it running.

    Example: dailies server start
    """
    from dailies.settings import load_settings
    from flows.running import await_server, begin_server, prepare_prefect

    settings = load_settings()
    prepare_prefect(settings)
    server = begin_server()
    await_server(server, console(), settings)
    console().print(f"Prefect: {server.ui_url}")
    return 0


@app.command(name="stop")
def stop_server() -> int:
    """Stop the Prefect server that Dailies has started.

    Example: dailies server stop
    """
    from flows.server import stop_server as stop

    stopped = stop()
    console().print(f"Stopped the Prefect server at {stopped.ui_url}." if stopped else "None of ours was running.")
    return 0
