"""Parquet: columns of texts, numbers, dates and truth values; a record's place is its row, the first is 1."""

import math
from collections.abc import Iterator
from itertools import count, islice
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from dailies.errors import InputError, RowError
from dailies.prompts.cells import Fault, shown
from dailies.prompts.sources.table import Record, Table, refuse
from dailies.prompts.sources.typed_values import read_value

_DAMAGED = (pa.ArrowException, OSError, ValueError, KeyError, TypeError, OverflowError, NotImplementedError)


def read_parquet(stream: BinaryIO, label: str) -> Table:
    """Read the columns' names; the records follow batch by batch.

    Raises:
        InputError: this is no Parquet, here or later from ``records``; or a column holds lists, objects or bytes.
    """
    try:
        file = pq.ParquetFile(stream)
        schema = file.schema_arrow
        header = tuple(schema.names)
    except _DAMAGED as error:
        raise _damaged(label, error) from error
    if errors := tuple(_unfit(label, field) for field in schema if not _fits(field.type)):
        raise InputError(errors)
    faults: dict[int, list[Fault]] = {}
    return Table(label, tuple(map(str.strip, header)), _records(file, header, faults, label), unit="row", faults=faults)


def _fits(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_string_view,
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_decimal,
        pa.types.is_boolean,
        pa.types.is_date,
        pa.types.is_time,
        pa.types.is_timestamp,
        pa.types.is_null,
    )
    return any(test(kind) for test in tests)


def _unfit(label: str, field: pa.Field) -> RowError:
    reason = f"the column holds {shown(str(field.type))}"
    return RowError(label, None, shown(field.name), reason, "write it as texts, numbers or dates, or leave it out")


def _damaged(label: str, error: Exception) -> InputError:
    said = shown(str(error).partition("\n")[0]) or type(error).__name__
    return refuse(label, None, f"the file cannot be read as Parquet ({said})", "write it again, or save it as CSV")


def _records(
    file: pq.ParquetFile, header: tuple[str, ...], faults: dict[int, list[Fault]], label: str
) -> Iterator[Record]:
    names = [name.strip().lower() for name in header]
    rows = count(1)
    try:
        # In this thread alone: Arrow's own must not be left holding the stream's bytes when the interpreter ends.
        for batch in file.iter_batches(batch_size=8192, use_threads=False):
            columns = [_values(column) for column in batch.columns]
            for row, *values in zip(islice(rows, batch.num_rows), *columns, strict=True):
                texts = [read_value(name, value) for name, value in zip(names, values, strict=True)]
                if wrong := [text for text in texts if isinstance(text, Fault)]:
                    faults[row] = wrong
                cells = tuple("" if isinstance(text, Fault) else text for text in texts)
                if wrong or any(map(str.strip, cells)):
                    yield row, cells
    except _DAMAGED as error:
        raise _damaged(label, error) from error


def _values(column: pa.Array) -> list[Any]:
    """Python's values; what is not a number stands for nothing, as it does in pandas."""
    values: list[Any] = column.to_pylist()
    if not pa.types.is_floating(column.type):
        return values
    return [None if value is None or math.isnan(value) else value for value in values]
