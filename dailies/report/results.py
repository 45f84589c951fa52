"""Writes the results: the columns and the order of the input, and the state of each row.

A record that asks for several videos appears once for each of them, also if another source has the same request. If
that happens, or if templates were filled in, more columns say what was sent; with several sources, two more columns say
where a row comes from.
"""

import codecs
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

from dailies.naming import OWNERS_FILE, owner_of, read_owners
from dailies.planning.outcome import Outcome, RowOutcome
from dailies.prompts.reader import PromptRow, RejectedRow
from dailies.report.output import is_stdout, write_output
from dailies.report.table_formats import WRITERS, Cell, ResultsFormat
from dailies.settings import Settings
from dailies.system.durable import replace_bytes

RESULT_COLUMNS = ("status", "video_url", "reason", "charged_mxn", "job_id", "row_key")
SENT_COLUMNS = ("sent_prompt", "sent_model", "sent_duration", "sent_aspect_ratio", "sent_take")
SOURCE_COLUMNS = ("source", "source_line")
# What the service wrote; the columns of the input stay as they are.
SERVICE_COLUMNS = ("video_url", "reason", "job_id")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

_Placed = TypeVar("_Placed", RowOutcome, PromptRow, RejectedRow)


def write_results(path: Path, outcome: Outcome, form: ResultsFormat | None = None, *, bom: bool = False) -> None:
    """Write the results of a file in its order.

    Args:
        path: the file; ``-`` is standard output.
        outcome: the state of the rows.
        form: ``csv`` (UTF-8, comma separated, one header line), ``xlsx``, ``jsonl`` or ``parquet``; by default the
            format of the path's ending, else CSV.
        bom: whether a CSV file begins with a byte order mark, for Excel; standard output never does.

    Raises:
        OSError: the folder cannot be written.
    """
    chosen = form or format_of(path)
    columns, rows = result_columns(outcome), result_rows(outcome)
    if chosen == "csv":
        rows = _without_formulas(columns, rows)

    def write(file: BinaryIO) -> None:
        if bom and chosen == "csv" and not is_stdout(path):
            file.write(codecs.BOM_UTF8)
        WRITERS[chosen](file, columns, rows)

    write_output(path, write)


def _without_formulas(columns: tuple[str, ...], rows: Iterable[tuple[Cell, ...]]) -> Iterator[tuple[Cell, ...]]:
    """Put an apostrophe before cells of the service that a spreadsheet would take for a formula."""
    places = [columns.index(name) for name in SERVICE_COLUMNS]
    for row in rows:
        cells = list(row)
        for place in places:
            if str(cells[place] or "").startswith(FORMULA_STARTS):
                cells[place] = f"'{cells[place]}"
        yield tuple(cells)


def keep_results(settings: Settings, outcome: Outcome) -> Path:
    """Write the results of a file where its next run will replace them, and record whose they are; return the path.

    Raises:
        OSError: the folder cannot be written.
    """
    sources = outcome.prompts.sources
    path = settings.results_path(*sources)
    write_results(path, outcome, bom=settings.csv_bom)
    record_owner(settings, path, sources)
    return path


def record_owner(settings: Settings, path: Path, sources: tuple[str, ...]) -> None:
    """Record whose results a file of the results' folder holds, so that sources of another folder take another name.

    Raises:
        OSError: the folder cannot be written.
    """
    owners = read_owners(settings.data_dir)
    known = owners | {path.name.removesuffix(".results.csv"): owner_of(sources)}
    if known != owners:
        replace_bytes(settings.data_dir / OWNERS_FILE, json.dumps(known, ensure_ascii=False, indent=1).encode())


def format_of(path: Path) -> ResultsFormat:
    """Return the format of a path's ending; CSV for an unknown one."""
    ending = path.suffix.lower().removeprefix(".")
    return next((form for form in WRITERS if form == ending), "csv")


def result_columns(outcome: Outcome) -> tuple[str, ...]:
    """Return the names of the results' columns."""
    prompts = outcome.prompts
    several = SOURCE_COLUMNS if len(prompts.sheets) > 1 else ()
    sent = SENT_COLUMNS if prompts.expanded else ()
    taken = {*RESULT_COLUMNS, *SOURCE_COLUMNS, *SENT_COLUMNS}
    own = (f"input {name}" if name.strip().lower() in taken else name for name in prompts.columns)
    return (*own, *RESULT_COLUMNS, *several, *sent)


def result_rows(outcome: Outcome) -> Iterator[tuple[Cell, ...]]:
    """Yield the results, row by row, in the order of the sources and their records."""
    prompts = outcome.prompts
    rows, rejected, repeats = _Queue(outcome.rows), _Queue(prompts.rejected), _Queue(prompts.repeats)
    by_key = {row.row.row_key: row for row in outcome.rows} if prompts.repeats else {}
    for sheet in prompts.sheets:
        lay = _layout(sheet.columns, prompts.columns)
        where = len(prompts.sheets) > 1
        for line, cells in sheet.records.items():
            place = (sheet.source, line)
            before = lay(cells)
            after = place if where else ()
            for row in rows.take(place):
                yield (*before, *_result(row), *after, *(_sent(row.row) if prompts.expanded else ()))
            for repeat in repeats.take(place):
                yield (*before, *_result(by_key[repeat.row_key]), *after, *(_sent(repeat) if prompts.expanded else ()))
            for bad in rejected.take(place):
                yield (*before, *_rejection(bad), *after, *((None,) * len(SENT_COLUMNS) if prompts.expanded else ()))


class _Queue(Generic[_Placed]):
    """Rows in the order of their records, taken record by record, so that a million rows need no index."""

    def __init__(self, rows: Iterable[_Placed]) -> None:
        self._rows: Iterator[_Placed] = iter(rows)
        self._next: _Placed | None = next(self._rows, None)

    def take(self, place: tuple[str, int]) -> Iterator[_Placed]:
        """Yield the rows of that record, if they are next."""
        while (row := self._next) is not None and _place(row) == place:
            self._next = next(self._rows, None)
            yield row


def _place(row: RowOutcome | PromptRow | RejectedRow) -> tuple[str, int]:
    asked = row.row if isinstance(row, RowOutcome) else row
    return asked.source, asked.source_line


def _layout(own: tuple[str, ...], columns: tuple[str, ...]) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    """Return a function that puts a source's cells into the columns of the results; it cuts or fills ragged records."""
    known = {name.strip().lower(): index for index, name in enumerate(own)}
    places = [known.get(name.strip().lower(), len(own)) for name in columns]

    def lay(cells: tuple[str, ...]) -> tuple[str, ...]:
        padded = (*cells[: len(own)], *("",) * (len(own) + 1 - len(cells)))
        return tuple(padded[place] for place in places)

    return lay


def _result(row: RowOutcome) -> tuple[Cell, ...]:
    entry = row.entry
    if entry is None:
        return None, None, row.reason, None, None, row.row.row_key
    return str(entry.status), entry.video_url, row.reason, entry.charged_mxn, entry.job_id, row.row.row_key


def _sent(row: PromptRow) -> tuple[Cell, ...]:
    return row.prompt, row.model, row.duration_s, row.aspect_ratio, row.take


def _rejection(row: RejectedRow) -> tuple[Cell, ...]:
    return "rejected", None, "; ".join(str(error) for error in row.errors), None, None, row.row_key
