"""Show what giving up may cost, offer a last poll, and show what was given up."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.prompt import Confirm

from cli.screen.console import say
from dailies.ledger.entry import LedgerEntry
from dailies.pricing import ZERO
from dailies.reconcile.abandon import Abandoned
from dailies.wording import count


def offer_last_poll(console: Console, polled: Sequence[LedgerEntry], *, poll: bool | None) -> bool:
    """Say what giving up polled jobs may cost; on a terminal, ask whether to poll them first unless that is decided."""
    worst = sum((entry.worst_mxn or ZERO for entry in polled), ZERO)
    say(
        console,
        f"{count(len(polled), 'job')} had been polled and may have been charged, up to {worst} MXN: if you give up and"
        " order again, you may pay twice.",
        "yellow",
    )
    if poll is None and sys.stdin.isatty():
        return Confirm.ask("Poll once more first?", console=console, default=True)
    if poll is None:
        say(console, "To poll once more first: dailies abandon --poll")
    return bool(poll)


def show_last_polls(console: Console, names: Sequence[str], entries: Sequence[LedgerEntry]) -> list[str]:
    """Show what the last polls found; return the names of rows that are still to be given up."""
    ended = [entry for entry in entries if not entry.status.is_open]
    for entry in ended:
        cost = f", {entry.charged_mxn} MXN" if entry.charged_mxn is not None else ""
        say(console, f"Not given up: row {entry.row_key} is {entry.status.value}{cost}.", "green")
    return [name for name in names if not any(entry.row_key.startswith(name.lower()) for entry in ended)]


def show_abandoned(console: Console, given_up: Abandoned) -> None:
    """Show what was given up, and what may have been charged anyway."""
    for entry in given_up.entries:
        say(console, f"Given up: row {entry.row_key} (line {entry.source_line} of {entry.source}).")
    if charged := given_up.perhaps_charged:
        worst = sum((entry.worst_mxn or ZERO for entry in charged), ZERO)
        say(
            console,
            f"{count(len(charged), 'job')} had been polled and may have been charged: up to {worst} MXN stay reserved.",
            "yellow",
        )
    say(console, "The next run of their CSV orders them again.")
