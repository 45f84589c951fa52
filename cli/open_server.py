"""A Prefect server without a password: any web page that a browser on this machine shows can use it."""

from rich.console import Console

from cli.doctor_checks import CheckResult, Health
from cli.prefect_http import is_open
from cli.prefect_password import password_path
from cli.prefect_server import Server, is_started_here, own_password
from cli.screen.console import say


def check_open(server: Server) -> CheckResult | None:
    """Return a warning about a server that asks for no password, else None."""
    if not is_open(server.api_url):
        return None
    found = f"{server.ui_url} asks for no password, so any web page in a browser here can start runs and read keys"
    remedy = "set PREFECT_SERVER_API_AUTH_STRING for it (docs/operations.md, Secrets)"
    if is_started_here(server):
        remedy = "`dailies server stop`, then `dailies server start` starts one with a password"
    return CheckResult("prefect", Health.WARNING, found, remedy)


def warn_if_open(console: Console, server: Server) -> bool:
    """Print the warning about a server that asks for no password; return whether there was one."""
    warning = check_open(server)
    if warning is not None:
        say(console, f"Warning: {warning.found}: {warning.remedy}", "yellow")
    return warning is not None


def show_login(console: Console, server: Server) -> None:
    """Print the password that the UI asks for once: in a terminal the line to paste, elsewhere the name of its file."""
    password = own_password(server)
    if password is not None:
        line = f", to paste once: {password}" if console.is_terminal else f" is in {password_path()}"
        say(console, f"Its password{line}")
