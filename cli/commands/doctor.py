"""`doctor`: check that everything is in place for a run."""

from dataclasses import asdict

from cli.commands.options import Json
from cli.screen.console import console, say_json


def doctor(*, as_json: Json = False) -> int:
    """Check that everything is in place for a run.

    It checks key, service, balance, clock, FX, ledger, disk and Prefect server, and shows remedies.

    Example: dailies doctor
    """
    from cli.doctor import check_all, show_checks
    from cli.doctor_checks import Health

    results = check_all()
    if as_json:
        say_json([asdict(result) for result in results])
    else:
        show_checks(console(), results)
    return 2 if any(result.verdict is Health.BAD for result in results) else 0
