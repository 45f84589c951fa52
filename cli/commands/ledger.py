"""`ledger verify`: check the ledger itself."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from cli.commands.options import Json
from cli.screen.console import console, say, say_json

app = App(name="ledger", help="Check the ledger itself.\n\nExample: dailies ledger verify")


@app.command(name="quarantine")
def quarantine(batch: Annotated[str, Parameter(help="The batch whose journal is damaged.")], /) -> int:
    """Set a damaged journal aside; say what is given up.

    Example: dailies ledger quarantine 20261127T101500-0a1b2c3d

    If you have a backup, restore the journal instead. What can be read of it goes into the ledger. Rows whose later
    records are lost become in_doubt: their jobs may have been ordered and charged, and their worst case stays reserved.
    """
    from cli.screen.settlement import show_quarantine
    from cli.service import find_service
    from dailies.reconcile.quarantine import quarantine_journal

    show_quarantine(console(), quarantine_journal(find_service().open_ledger(), batch))
    return 0


@app.command(name="verify")
def verify(
    backup: Annotated[Path | None, Parameter(help="A backup's folder; by default the ledger itself.")] = None,
    /,
    *,
    as_json: Json = False,
) -> int:
    """Compute every charge again; look for duplicates and damage.

    Example: dailies ledger verify, or: dailies ledger verify backup/live

    Nothing is changed, in a backup neither. Exit codes: 0 sound, 1 something is wrong.
    """
    from cli.screen.settlement import show_verification
    from cli.service import find_service
    from dailies.ledger.folder import LedgerFolder
    from dailies.pricing import ZERO
    from dailies.reconcile.verify import Verification, verify_ledger

    if backup is None:
        service = find_service()
        path, folder = service.settings.ledger_path, service.find_ledger()
    else:
        path, folder = backup, LedgerFolder.read(backup)
    found = verify_ledger(folder) if folder else Verification(0, 0, ZERO, 0, ())
    if as_json:
        say_json({"ledger": str(path), **asdict(found)})
    elif folder is None:
        say(console(), f"There is no ledger at {path} yet.")
    else:
        show_verification(console(), str(path), found)
    return 1 if found.findings else 0
