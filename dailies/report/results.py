"""The results CSV: the input's columns and order, and beside each row what became of it."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from dailies.durable import replace_file
from dailies.prompts import RejectedRow
from dailies.report.outcome import Outcome, RowOutcome

RESULT_COLUMNS = ("status", "video_url", "reason", "charged_mxn", "job_id", "row_key")


def write_results(path: Path, outcome: Outcome) -> None:
    """Write the results of a file, whole and in its order; UTF-8, comma separated, one header line.

    Raises:
        OSError: the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, lambda file: _write(file, outcome))


def _write(file: BinaryIO, outcome: Outcome) -> None:
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow((*outcome.prompts.columns, *RESULT_COLUMNS))
    writer.writerows(_lines(outcome))
    text.detach()


def _lines(outcome: Outcome) -> Iterator[tuple[str, ...]]:
    found = {row.row.source_line: _result(row) for row in outcome.rows}
    found |= {row.source_line: _rejection(row) for row in outcome.prompts.rejected}
    width = len(outcome.prompts.columns)
    for line, cells in outcome.prompts.records.items():
        padded = (*cells, *("",) * (width - len(cells)))[:width]
        yield (*padded, *found[line])


def _result(row: RowOutcome) -> tuple[str, ...]:
    entry = row.entry
    if entry is None:
        return "", "", row.reason, "", "", row.row.row_key
    charged = "" if entry.charged_mxn is None else str(entry.charged_mxn)
    return entry.status, entry.video_url or "", row.reason, charged, entry.job_id or "", row.row.row_key


def _rejection(row: RejectedRow) -> tuple[str, ...]:
    return "rejected", "", "; ".join(str(error) for error in row.errors), "", "", row.row_key
