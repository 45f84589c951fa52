"""The rows that failed, as a source of prompts to work on: valid input again, with the reason of each beside it."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from dailies.planning.outcome import Outcome, RowOutcome
from dailies.prompts.templates import META, escape
from dailies.report.output import write_output
from dailies.report.results import format_of
from dailies.report.table_formats import WRITERS, Cell

_ASKED = ("id", "prompt", "model", "duration", "aspect_ratio", "take", "fallback")
REASON = "reason"


def write_failed(path: Path, outcome: Outcome) -> int:
    """Write the rows of a file that failed, in its order; returns how many. Nothing is written where none did.

    Each stands there as it was sent: defaults, takes and templates are filled in, so that an unchanged line is the same
    request, with the same row key, as the one that failed. Rows that could not be read are left out: they would make
    this file unreadable, too.

    Raises:
        OSError: the folder cannot be written.
    """
    failed = outcome.failed
    if failed:
        names = tuple(dict.fromkeys(name for row in failed for name in row.row.metadata if name != REASON))
        columns = (*_ASKED, *(META + name for name in (*names, REASON)))
        write_output(path, lambda file: WRITERS[format_of(path)](file, columns, _lines(failed, names)))
    return len(failed)


def _lines(failed: tuple[RowOutcome, ...], names: tuple[str, ...]) -> Iterator[tuple[Cell, ...]]:
    ids = Counter(row.row.prompt_id for row in failed)  # an id that one record gave to several rows is none here
    for row in failed:
        asked = row.row
        yield (
            asked.prompt_id if ids[asked.prompt_id] == 1 else None,
            escape(asked.prompt),
            asked.model,
            str(asked.duration_s),
            asked.aspect_ratio,
            str(asked.take),
            "|".join(asked.fallback) or None,
            *(asked.metadata.get(name) for name in names),
            row.reason,
        )
