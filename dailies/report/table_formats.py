"""Writes tables of results as CSV, Excel, JSON Lines or Parquet."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, BinaryIO, Literal

import pyarrow as pa
import pyarrow.parquet as pq

Cell = str | int | Decimal | None
ResultsFormat = Literal["csv", "xlsx", "jsonl", "parquet"]
Writer = Callable[[BinaryIO, tuple[str, ...], Iterable[tuple[Cell, ...]]], None]

_BATCH = 8192
_KINDS = {
    "charged_mxn": pa.decimal128(18, 6),
    "source_line": pa.int64(),
    "sent_duration": pa.int32(),
    "sent_take": pa.int32(),
}
# XML 1.0, and so a workbook, cannot hold these: control characters and lone surrogates.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write_csv(file: BinaryIO, columns: tuple[str, ...], rows: Iterable[tuple[Cell, ...]]) -> None:
    """Write CSV: UTF-8, comma separated, one header line."""
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    text.detach()


def write_jsonl(file: BinaryIO, columns: tuple[str, ...], rows: Iterable[tuple[Cell, ...]]) -> None:
    """Write one JSON object per line; amounts are numbers, unknown values are null."""
    for row in rows:
        values = {name: _json(cell) for name, cell in zip(columns, row, strict=True)}
        file.write(json.dumps(values, ensure_ascii=False).encode("utf-8", "replace") + b"\n")


def write_parquet(file: BinaryIO, columns: tuple[str, ...], rows: Iterable[tuple[Cell, ...]]) -> None:
    """Write Parquet: amounts are exact decimals, counts are integers, everything else is text."""
    schema = pa.schema([(name, _KINDS.get(name, pa.string())) for name in columns])
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        batch: list[tuple[Cell, ...]] = []
        for row in rows:
            batch.append(row)
            if len(batch) == _BATCH:
                writer.write_table(_table(batch, schema))
                batch.clear()
        writer.write_table(_table(batch, schema))


def write_xlsx(file: BinaryIO, columns: tuple[str, ...], rows: Iterable[tuple[Cell, ...]]) -> None:
    """Write one sheet with a bold, frozen header; text stays text, even if it looks like a formula."""
    from openpyxl import Workbook
    from openpyxl.styles import Font

    book = Workbook(write_only=True)
    sheet = book.create_sheet("results")
    sheet.freeze_panes = "A2"
    sheet.append([_excel(sheet, name, Font(bold=True)) for name in columns])
    for row in rows:
        sheet.append([_excel(sheet, cell) for cell in row])
    book.save(file)


def _json(cell: Cell) -> str | float | None:
    return float(cell) if isinstance(cell, Decimal) else cell


def _table(rows: list[tuple[Cell, ...]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [() for _ in schema]
    arrays = [pa.array(list(map(_utf8, cells)), field.type) for cells, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _utf8(cell: Cell) -> Cell:
    return cell.encode("utf-8", "replace").decode() if isinstance(cell, str) else cell


def _excel(sheet: Any, cell: Cell, font: Any = None) -> Any:
    from openpyxl.cell import WriteOnlyCell

    if not isinstance(cell, str):
        return cell
    text = WriteOnlyCell(sheet, _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", cell))
    text.data_type = "s"  # or "=1+1" in a prompt would become a formula
    if font is not None:
        text.font = font
    return text


WRITERS: Mapping[ResultsFormat, Writer] = {
    "csv": write_csv,
    "xlsx": write_xlsx,
    "jsonl": write_jsonl,
    "parquet": write_parquet,
}
