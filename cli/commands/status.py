"""`status`: the ledger at a glance."""

from cli.commands.options import Json
from cli.screen.console import console, say_json


def status(*, as_json: Json = False) -> int:
    """Show what is open, what was spent, what to do next.

    Spending of this month by model and by metadata; runs in progress and interrupted runs.

    Example: dailies status
    """
    from cli.screen.status import show_status, status_facts
    from cli.service import find_service

    if as_json:
        say_json(status_facts(find_service()))
    else:
        show_status(console(), find_service())
    return 0
