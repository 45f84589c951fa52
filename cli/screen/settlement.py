"""Shows the results of `settle`, `abandon` and `ledger verify`."""

from rich.console import Console

from cli.screen.console import complain, say
from dailies.reconcile.quarantine import Quarantine
from dailies.reconcile.settle import Settlement
from dailies.reconcile.verify import Verification
from dailies.reconcile.wording import settlement_lines, verdict_of
from dailies.wording import count

_SHOWN = 20


def show_settlement(console: Console, settlement: Settlement) -> None:
    """Show what was recovered and collected, what is open, and whether ledger and account agree."""
    for line in settlement_lines(settlement):
        say(console, line)
    verdict = verdict_of(settlement)
    if settlement.exit_code == 1:
        complain(verdict)
    else:
        say(console, verdict, "green" if settlement.exit_code == 0 else None)


def show_quarantine(console: Console, found: Quarantine) -> None:
    """Show where a damaged journal lies now, what was kept of it and what is given up."""
    say(console, f"Moved the journal of batch {found.batch_id} to {found.place}.")
    if found.kept:
        say(console, f"Kept in the ledger: {count(len(found.kept), 'attempt')}.")
    else:
        say(console, "Nothing in it could be read: the next run of its CSV orders its rows again.", "yellow")
    if found.doubtful:
        say(
            console,
            f"Given up: what happened last to {count(len(found.doubtful), 'row')}. They are in doubt: a job may have"
            f" been ordered and charged. Up to {found.doubtful_mxn} MXN stay reserved; the next run of the CSV sends"
            " them again with the same key, and `dailies settle` compares the ledger with the account.",
            "yellow",
        )
    if found.lost_job_ids:
        say(console, f"Jobs that it names and no row has: {', '.join(found.lost_job_ids)}.", "yellow")


def show_verification(console: Console, where: str, found: Verification) -> None:
    """Show what the ledger holds, and what is wrong with it."""
    say(
        console, f"{where}: {count(found.entries, 'attempt')} in {count(found.files, 'file')}, {found.charged_mxn} MXN."
    )
    if found.unknown_charges:
        say(console, f"The charge of {count(found.unknown_charges, 'video')} is unknown.")
    if found.journals:
        say(console, f"Not folded yet: {count(found.journals, 'batch', 'batches')}.")
    for stray in found.strays:
        say(console, f"{stray} is no journal; move it elsewhere.", "yellow")
    if found.notes:
        say(
            console,
            f"{count(len(found.notes), 'video')} cost more than planned: completed in a later month with a higher FX."
            " Set DAILIES_FX_CEILING to plan for that.",
            "yellow",
        )
    for finding in found.findings[:_SHOWN]:
        complain(str(finding))
    if len(found.findings) > _SHOWN:
        complain(f"... and {len(found.findings) - _SHOWN:,} more (--json shows all)")
    if not found.findings:
        say(console, "Every charge follows from its own row; there are no duplicates.", "green")
