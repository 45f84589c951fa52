"""The closing lines: how some prompts stand, and what to do next."""

from rich.console import Console

from cli.screen.console import say, show_table
from dailies.planning.outcome import Outcome
from dailies.report.summary import cost_by_model, failures
from dailies.wording import count, mxn

_SHOWN_FAILURES = 10


def show_outcome(console: Console, outcome: Outcome, results: str, again: str) -> None:
    """How the file stands now: cost by model, what is missing and why, where the results are, what to do next."""
    if costs := cost_by_model(outcome.entries()):
        show_table(console, "Bought", [dict(row) for row in costs])
    failed = failures(outcome)
    for row in failed[:_SHOWN_FAILURES]:
        say(console, _failure(row), "red")
    if len(failed) > _SHOWN_FAILURES:
        say(console, f"... and {len(failed) - _SHOWN_FAILURES:,} more, in the results", "red")
    statuses = outcome.statuses + type(outcome.statuses)(rejected=len(outcome.prompts.rejected))
    counts = " · ".join(f"{number:,} {status.replace('_', ' ')}" for status, number in sorted(statuses.items()))
    say(console, f"{counts} · {mxn(outcome.charged_mxn)}")
    if outcome.unknown_charges:
        say(
            console,
            f"Not known is the charge of {count(outcome.unknown_charges, 'video')}: set their month's DAILIES_FX.",
        )
    say(console, f"Results: {results}")
    if outcome.open:
        say(console, f"{count(outcome.open, 'row')} open. To go on: {again}")


def _failure(row: dict[str, str | int]) -> str:
    """A rejected row's reason names its line already."""
    reason = str(row["reason"])
    if f" line {row['line']}" in reason or f" row {row['line']}" in reason:
        return reason
    return f"{row['source']} line {row['line']}: {reason}" if "source" in row else f"line {row['line']}: {reason}"
