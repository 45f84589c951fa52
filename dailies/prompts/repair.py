"""Putting a source right as far as that is safe: the form is mended, the words are not touched.

Mended are the dialect (commas, UTF-8, LF), byte order marks and UTF-16, white space around cells and names, capitals in
the names of columns, blank lines. Everything else is a person's to decide, and is listed.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dailies.errors import InputError, RowError
from dailies.prompts.cells import Fault
from dailies.prompts.columns import is_column
from dailies.prompts.reader import read_prompts
from dailies.prompts.sources.opening import open_source, read_table, sniff_format
from dailies.prompts.sources.source_names import SourceName, find_sources
from dailies.prompts.sources.table import Table, refuse
from dailies.system.durable import replace_file


@dataclass(frozen=True, slots=True)
class Fixed:
    """What was done.

    Attributes:
        records: how many were written.
        changed: how many of their cells were changed.
        left: what a person has to put right, with its places in the new file.
    """

    records: int
    changed: int
    left: tuple[RowError, ...]


def fix_prompts(source: str, output: Path, *, default_model: str, template: str | None = None) -> Fixed:
    """Write a source anew as a plain CSV, and say what is still wrong with it.

    Args:
        source: one source in any format; it is not changed.
        output: the CSV to write; may not be the source.
        default_model: for rows that name none.
        template: as for ``read_prompts``.

    Raises:
        InputError: where its records begin and end is not certain, so nothing was written.
        OSError: the file cannot be written.
    """
    (name, *more) = find_sources([source])
    if more:
        raise refuse(source, None, "several files fit this pattern", "fix one at a time")
    if not name.is_url and output.exists() and output.samefile(name.place):
        raise refuse(name.label, None, "the source itself would be overwritten", "choose another name for the output")
    with open_source(name) as stream:
        table = _read(stream, name)
        header = tuple(_plain(column) for column in table.header)
        records = list(table.records)
        faults = {line: tuple(found) for line, found in table.faults.items()}
    fixed = [tuple(cell.strip() for cell in cells) for _, cells in records]
    replace_file(output, lambda file: _write(file, header, fixed))
    before = ((table.header, header), *((cells, mended) for (_, cells), mended in zip(records, fixed, strict=True)))
    changed = sum(old != new for cells, mended in before for old, new in zip(cells, mended, strict=True))
    left = (*_lost(name.label, table.unit, faults), *_left(output, default_model, template))
    return Fixed(len(fixed), changed, left)


def _read(stream: BinaryIO, name: SourceName) -> Table:
    """UTF-16 that says so by its mark is certain, though nothing else takes it."""
    start = stream.read(2) if stream.seekable() else b""
    stream.seek(0)
    if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        try:
            stream = io.BytesIO(stream.read().decode("utf-16").encode())
        except UnicodeDecodeError as error:
            raise refuse(name.label, None, "the file is broken UTF-16", "save it as CSV in UTF-8") from error
    return read_table(stream, name.label, name.format or sniff_format(stream), name.sheet)


def _plain(name: str) -> str:
    plain = name.strip().lower()
    return plain if is_column(plain) else name.strip()


def _write(file: BinaryIO, header: tuple[str, ...], records: list[tuple[str, ...]]) -> None:
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True, errors="replace")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(records)
    text.detach()


def _lost(label: str, unit: str, faults: dict[int, tuple[Fault, ...]]) -> Iterator[RowError]:
    """Cells that could not be written as text stand empty in the new file: told with their places in the old one."""
    return (RowError(label, line, *fault, unit) for line, found in faults.items() for fault in found)


def _left(output: Path, default_model: str, template: str | None) -> tuple[RowError, ...]:
    try:
        read_prompts(output, default_model=default_model, template=template)
    except InputError as error:
        return error.errors
    return ()
