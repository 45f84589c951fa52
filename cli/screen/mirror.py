"""Shows what a mirror run copied."""

from rich.console import Console

from cli.screen.console import complain, say
from dailies.mirror.mirror_run import MirrorOutcome
from dailies.mirror.wording import mirror_lines, shortfalls

_SHOWN = 20


def show_mirror(console: Console, outcome: MirrorOutcome) -> None:
    """Show what was copied, and what is shorter than paid or missing."""
    for row in shortfalls(outcome)[:_SHOWN]:
        complain(f"{row['name']} (row {row['row_key']}): {row['problem']}")
    if len(outcome.short) > _SHOWN:
        complain(f"... and {len(outcome.short) - _SHOWN:,} more (--json shows all)")
    for line in mirror_lines(outcome):
        say(console, line)
