"""The summary of a run, as Markdown and as rows of a table. Pure."""

from collections.abc import Iterable
from pathlib import Path

from dailies.ledger.entry import LedgerEntry
from dailies.planning.outcome import Outcome
from dailies.report.totals import Total, by_model
from dailies.wording import plain_markdown


def cost_by_model(entries: Iterable[LedgerEntry]) -> list[dict[str, str | int]]:
    """List videos, seconds and MXN of each model as rows of a table, most expensive first."""
    return [total_row("model", total) for total in by_model(entries)]


def total_row(column: str, total: Total) -> dict[str, str | int]:
    """Return a total as a row of a table; ``column`` is the header of its name."""
    return {column: total.name, "videos": total.videos, "seconds": total.seconds, "MXN": f"{total.charged_mxn:,.2f}"}


def failures(outcome: Outcome) -> list[dict[str, str | int]]:
    """List line, id and reason of every row that ended without a video; with several sources, the source, too."""
    sheets = {sheet.source: number for number, sheet in enumerate(outcome.prompts.sheets)}
    failed = [(row.row.source, row.row.source_line, row.row.prompt_id or "", row.reason) for row in outcome.failed]
    rejected = [
        (row.source, row.source_line, row.prompt_id or "", str(row.errors[0])) for row in outcome.prompts.rejected
    ]
    placed = sorted(failed + rejected, key=lambda row: (sheets.get(row[0], 0), *row[1:]))
    if len(sheets) > 1:
        return [{"source": where, "line": line, "id": name, "reason": why} for where, line, name, why in placed]
    return [{"line": line, "id": name, "reason": why} for _, line, name, why in placed]


def summary_markdown(outcome: Outcome, results: str, note: str = "") -> str:
    """Write a page for the Prefect UI: what was made, what it cost, what is missing, where the results are."""
    lines = [f"# {plain_markdown(Path(outcome.prompts.source).name)}", ""]
    lines += [note, ""] if note else []
    lines += ["| rows | completed | failed | open | charged MXN |", "|---:|---:|---:|---:|---:|"]
    failed = len(outcome.failed) + len(outcome.prompts.rejected)
    total = len(outcome.rows) + len(outcome.prompts.rejected)
    lines += [f"| {total} | {outcome.completed} | {failed} | {outcome.open} | {outcome.charged_mxn:,.2f} |", ""]
    if outcome.unknown_charges:
        lines += [f"The charge of {outcome.unknown_charges} videos is unknown: their month has no FX.", ""]
    lines += _table("Cost by model", cost_by_model(outcome.entries()))
    lines += _table("Without a video", failures(outcome)[:100])
    return "\n".join([*lines, f"Results: {plain_markdown(results)}"])


def _table(title: str, rows: list[dict[str, str | int]]) -> list[str]:
    if not rows:
        return []
    head = [f"## {title}", "", "| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    return head + ["| " + " | ".join(_cell(cell) for cell in row.values()) + " |" for row in rows] + [""]


def _cell(cell: str | int) -> str:
    return plain_markdown(str(cell))
