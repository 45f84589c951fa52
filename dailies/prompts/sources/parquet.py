"""Parquet: columns of texts, numbers, dates and truth values; a record's place is its row, the first is 1."""

import math
from collections.abc import Iterator
from itertools import chain, count, islice
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dailies.errors import InputError
from dailies.prompts.cells import Fault, shown
from dailies.prompts.sources.budget import MAX_CELLS, Budget
from dailies.prompts.sources.table import Record, Table, refuse
from dailies.prompts.sources.typed_values import read_value

_DAMAGED = (
    pa.ArrowException,
    OSError,
    ValueError,
    KeyError,
    TypeError,
    OverflowError,
    NotImplementedError,
    MemoryError,
)


def read_parquet(stream: BinaryIO, label: str) -> Table:
    """Read the columns' names; the records follow batch by batch.

    Raises:
        InputError: this is no Parquet, here or later from ``records``; or it unpacks to too much.
    """
    try:
        names = [field.name for field in pq.ParquetFile(stream).schema_arrow if _repeats(field.type)]
        file = pq.ParquetFile(stream, read_dictionary=names)
        header = tuple(file.schema_arrow.names)
        rows = file.metadata.num_rows
    except _DAMAGED as error:
        raise _damaged(label, error) from error
    if rows * len(header) > MAX_CELLS:
        reason = f"there are {rows:,} rows of {len(header):,} columns, but at most {MAX_CELLS:,} cells are read"
        raise refuse(label, None, reason, "split the file")
    return Table(label, tuple(map(str.strip, header)), _records(file, label), unit="row", read=_read)


def _repeats(kind: pa.DataType) -> bool:
    """Return whether cells are texts, which stay in Arrow's dictionaries until counted: one may fill many cells."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind))


def _read(column: str, value: Any, keeps_lists: bool) -> str | Fault:
    if isinstance(value, float) and math.isnan(value):  # pandas' way to write an empty cell
        return ""
    return read_value(column, value, keeps_lists)


def _damaged(label: str, error: BaseException) -> InputError:
    said = shown(str(error).partition("\n")[0]) or type(error).__name__
    return refuse(label, None, f"the file cannot be read as Parquet ({said})", "write it again, or save it as CSV")


def _records(file: pq.ParquetFile, label: str) -> Iterator[Record]:
    rows = count(1)
    budget = Budget(label, "row")
    try:
        # In this thread alone: Arrow's own must not be left holding the stream's bytes when the interpreter ends.
        for batch in file.iter_batches(batch_size=8192, use_threads=False):
            row = next(rows)
            budget.spend(row, batch.num_rows * batch.num_columns, sum(map(_characters, batch.columns)))
            columns = [_plain(column).to_pylist() for column in batch.columns]
            for place, *values in zip(chain([row], islice(rows, batch.num_rows - 1)), *columns, strict=True):
                if any(map(_is_filled, values)):
                    yield place, tuple(values)
    except _DAMAGED as error:
        raise _damaged(label, error) from error


def _is_filled(value: Any) -> bool:
    if isinstance(value, str):
        return bool(value.strip())
    return value is not None and value == value


def _characters(column: pa.Array) -> int:
    """Count the bytes of a column's cells when each is written out."""
    kind = column.type
    if pa.types.is_dictionary(kind) and _repeats(kind.value_type):
        lengths = pc.take(pc.binary_length(column.dictionary), column.indices)
        return int(pc.sum(lengths).as_py() or 0)
    return int(column.nbytes)


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
