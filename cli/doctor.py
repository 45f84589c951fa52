"""`dailies doctor`: runs every check and shows the results with their remedies; starts nothing."""

import asyncio
import platform
from datetime import UTC, datetime
from importlib.metadata import version

from rich.console import Console
from rich.table import Table

from cli.doctor_checks import CheckResult, Health, check_disk, check_fx, check_ledger, check_service
from cli.prefect_checks import check_scheduler
from cli.screen.console import say
from cli.service import Service, find_service
from dailies.errors import LedgerError
from dailies.settings import load_settings

_STYLES = {Health.OK: "green", Health.WARNING: "yellow", Health.BAD: "red"}


def check_all() -> list[CheckResult]:
    """Run every check, in the order in which a run needs its things.

    Raises:
        SettingsError: a setting is wrong; nothing else can be checked then.
    """
    has_own_key = load_settings().geekhub_api_key is not None
    service = find_service()
    now = datetime.now(UTC)
    return [
        CheckResult("dailies", Health.OK, f"{version('dailies')} on Python {platform.python_version()}"),
        *_check_service(service, now, has_own_key=has_own_key),
        _check_ledger(service),
        check_disk(service.settings.ledger_path),
        check_prefect(now),
    ]


def show_checks(console: Console, results: list[CheckResult]) -> None:
    """Print a line for each result, with its remedy."""
    table = Table.grid(padding=(0, 2))
    for result in results:
        style = _STYLES[result.verdict]
        table.add_row(result.name, f"[{style}]{result.verdict}[/]", _plain(result))
    console.print(table, soft_wrap=True)
    bad = sum(result.verdict is Health.BAD for result in results)
    say(console, "Everything is in place." if not bad else f"{bad} of {len(results)} would stop a run.", "bold")


def _plain(result: CheckResult) -> str:
    text = f"{result.found}: {result.remedy}" if result.remedy else result.found
    return text.replace("[", r"\[")


def _check_service(service: Service, now: datetime, *, has_own_key: bool) -> list[CheckResult]:
    if has_own_key:
        return [*asyncio.run(check_service(service.settings, now)), check_fx(service.settings.tariff, now)]
    remedy = "set GEEKHUB_API_KEY, in the environment or in .env, for real videos"
    found = "no GEEKHUB_API_KEY, so a run uses the sandbox: no money is spent"
    return [CheckResult("key", Health.WARNING, found, remedy)]


def _check_ledger(service: Service) -> CheckResult:
    try:
        service.find_ledger()
    except LedgerError as error:
        return CheckResult("ledger", Health.BAD, str(error))
    return check_ledger(service.settings.ledger_path)


def check_prefect(now: datetime) -> CheckResult:
    """Check that a Prefect server answers, fits, asks for a password, plans runs, and stores events fast enough."""
    from prefect.settings import get_current_settings

    from cli.prefect_checks import check_open
    from cli.prefect_server import connect, find_server, is_tuned, require_compatible
    from dailies.errors import ServerError

    configured = get_current_settings().api.url
    server = find_server(configured)
    if server is None and configured:
        remedy = "start it, or unset PREFECT_API_URL, and a run starts a local one"
        return CheckResult("prefect", Health.BAD, f"no server answers at {configured}", remedy)
    if server is None:
        return CheckResult("prefect", Health.OK, "no server is running; a run starts one")
    connect(server)
    try:
        require_compatible(server)
    except ServerError as error:
        return CheckResult("prefect", Health.BAD, str(error))
    if warning := check_open(server) or check_scheduler(server.api_url, now):
        return warning
    if not is_tuned(server):
        remedy = "for more speed stop it, then `dailies server start` starts a tuned one"
        return CheckResult("prefect", Health.WARNING, f"{server.ui_url} is not tuned for many events", remedy)
    return CheckResult("prefect", Health.OK, f"{server.ui_url} answers and is tuned")
