"""Read and write the ledger's Parquet files: whole, atomically, with the ledger's schema."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from dailies.errors import LedgerError
from dailies.ledger.entry import LedgerEntry
from dailies.ledger.schema import SCHEMA, SCHEMA_VERSION, from_table, to_table
from dailies.system.durable import replace_file

_GROUP = 25_000


def write_entries(path: Path, entries: Iterable[LedgerEntry]) -> None:
    """Replace ``path`` with a file that holds exactly these entries, in this order.

    Raises:
        LedgerError: it cannot be written; the old file remains.
    """
    table = to_table(entries)
    try:
        replace_file(path, lambda file: pq.write_table(table, file, compression="zstd"))
    except OSError as error:
        raise LedgerError(f"{path} cannot be written: {error.strerror or error}") from error


def read_entries(path: Path) -> list[LedgerEntry]:
    """Read all entries of one ledger file.

    Raises:
        LedgerError: the file is no ledger file of a known version.
    """
    try:
        table = read_file(path)
    except (OSError, pa.ArrowException) as error:
        raise LedgerError(f"{path} cannot be read as Parquet: {error}") from error
    _check_version(path, table.schema)
    return from_table(table)


def read_file(path: Path) -> pa.Table:
    """Read one file as it is, without columns made of its path.

    Pass Arrow the path, never an open file: its threads would hold Python's bytes, and a thread that releases them
    while the interpreter ends crashes the process (``terminate called``).

    Raises:
        OSError, pa.ArrowException: it cannot be read as Parquet.
    """
    with pq.ParquetFile(path) as file:
        return file.read()


def _check_version(path: Path, schema: pa.Schema) -> None:
    version = (schema.metadata or {}).get(b"dailies.schema_version", b"?").decode()
    if version != str(SCHEMA_VERSION):
        raise LedgerError(f"{path} has schema version {version}; this Dailies reads version {SCHEMA_VERSION}")


def scan(paths: Sequence[Path], columns: Sequence[str] | None = None, where: Any = None) -> pa.Table:
    """Read columns of many ledger files as one table, filtered by an Arrow expression.

    Raises:
        LedgerError: a file cannot be read.
    """
    names = list(columns) if columns is not None else SCHEMA.names
    groups = list(scan_groups(paths, names, where))
    return pa.concat_tables(groups) if groups else pa.schema([SCHEMA.field(name) for name in names]).empty_table()


def scan_groups(paths: Sequence[Path], columns: Sequence[str] | None = None, where: Any = None) -> Iterator[pa.Table]:
    """Read the same piece by piece, some ten thousand rows at a time, so that no more are in memory at once.

    Raises:
        LedgerError: a file cannot be read.
    """
    if not paths:
        return
    names = list(columns) if columns is not None else SCHEMA.names
    dataset = ds.dataset([str(path) for path in paths], schema=SCHEMA, format="parquet")
    group: list[pa.RecordBatch] = []
    try:
        for batch in dataset.to_batches(columns=names, filter=where):
            group.append(batch)
            if sum(map(len, group)) >= _GROUP:
                yield pa.Table.from_batches(group)
                group = []
    except (OSError, pa.ArrowException) as error:
        raise LedgerError(f"a file of the ledger cannot be read: {error}") from error
    if group:
        yield pa.Table.from_batches(group)
