"""`ledger verify`: check the ledger itself."""

from dataclasses import asdict

from cyclopts import App

from cli.commands.options import Json
from cli.screen.console import console, say, say_json

app = App(name="ledger", help="Check the ledger itself.\n\nExample: dailies ledger verify")


@app.command(name="verify")
def verify(*, as_json: Json = False) -> int:
    """Compute every charge again; look for duplicates and damage.

    Example: dailies ledger verify

    Exit codes: 0 sound, 1 something is wrong.
    """
    from cli.screen.settlement import show_verification
    from cli.service import find_service
    from dailies.pricing import ZERO
    from dailies.reconcile.verify import Verification, verify_ledger

    service = find_service()
    path, folder = service.settings.ledger_path, service.find_ledger()
    found = verify_ledger(folder) if folder else Verification(0, 0, ZERO, 0, ())
    if as_json:
        say_json({"ledger": str(path), **asdict(found)})
    elif folder is None:
        say(console(), f"There is no ledger at {path} yet.")
    else:
        show_verification(console(), str(path), found)
    return 1 if found.findings else 0
