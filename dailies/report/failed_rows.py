"""Writes the rows that failed as a file of prompts to edit: valid input, with the reason of each failure."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from dailies.planning.outcome import Outcome, RowOutcome
from dailies.prompts.cells import META
from dailies.prompts.templates import escape
from dailies.report.output import write_output
from dailies.report.results import format_of
from dailies.report.table_formats import WRITERS, Cell

_SENT = ("id", "prompt", "model", "duration", "aspect_ratio", "take", "fallback")
REASON = "reason"


def write_failed(path: Path, outcome: Outcome) -> int:
    """Write the failed rows of a file in its order; return how many. Without any, write nothing.

    Each row appears as it was sent: defaults, takes and templates are filled in, so an unchanged line is the same
    request, with the same row key, as the one that failed. Unreadable rows are left out: they would make this file
    unreadable, too.

    Raises:
        OSError: the folder cannot be written.
    """
    failed = outcome.failed
    if failed:
        names = tuple(dict.fromkeys(name for row in failed for name in row.row.metadata if name != REASON))
        columns = (*_SENT, *(META + name for name in (*names, REASON)))
        write_output(path, lambda file: WRITERS[format_of(path)](file, columns, _lines(failed, names)))
    return len(failed)


def _lines(failed: tuple[RowOutcome, ...], names: tuple[str, ...]) -> Iterator[tuple[Cell, ...]]:
    ids = Counter(row.row.prompt_id for row in failed)  # an id that several rows share identifies none
    for row in failed:
        sent = row.row
        yield (
            sent.prompt_id if ids[sent.prompt_id] == 1 else None,
            escape(sent.prompt, names),
            sent.model,
            str(sent.duration_s),
            sent.aspect_ratio,
            str(sent.take),
            "|".join(sent.fallback) or None,
            *(sent.metadata.get(name) for name in names),
            row.reason,
        )
