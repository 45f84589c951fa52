"""`server`: start or stop the local Prefect server."""

from datetime import UTC, datetime

from cyclopts import App

from cli.screen.console import console, say

app = App(name="server", help="Start or stop the local Prefect server.\n\nExample: dailies server start", sort_key=21)


@app.command(name="start")
def start_server() -> int:
    """Start a Prefect server, unless one answers; it keeps running.

    It gets the work pool of the deployments, and a password, which the UI asks for once.

    Example: dailies server start
    """
    from cli.flow_runner import await_server, begin_server, ensure_pool, prepare_prefect
    from cli.prefect_checks import check_scheduler, show_login, warn_if_open
    from dailies.settings import load_settings

    settings = load_settings()
    prepare_prefect(settings)
    server = begin_server()
    await_server(server, console(), settings)
    ensure_pool(server)
    console().print(f"Prefect: {server.ui_url}")
    if not warn_if_open(console(), server):
        show_login(console(), server)
    if warning := check_scheduler(server.api_url, datetime.now(UTC)):
        say(console(), f"Warning: {warning.found}: {warning.remedy}", "yellow")
    return 0


@app.command(name="stop")
def stop_server() -> int:
    """Stop the Prefect server that was started here.

    Example: dailies server stop
    """
    from cli.prefect_server import stop_server as stop

    stopped = stop()
    console().print(f"Stopped the Prefect server at {stopped.ui_url}." if stopped else "No server of ours was running.")
    return 0
