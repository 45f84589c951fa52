"""Parquet in and out: whole files, atomically written, read with the ledger's schema."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from dailies.durable import replace_file
from dailies.errors import LedgerError
from dailies.ledger import SCHEMA, SCHEMA_VERSION, LedgerEntry, from_table, to_table

# Arrow's own allocator keeps what it once took: 17 MB more after two thousand entries. The system's gives it back.
pa.set_memory_pool(pa.system_memory_pool())


def write_entries(path: Path, entries: Iterable[LedgerEntry]) -> None:
    """Replace ``path`` by a file that holds exactly these entries, in this order.

    Raises:
        LedgerError: it cannot be written; the old file is still there.
    """
    table = to_table(entries)
    try:
        replace_file(path, lambda file: pq.write_table(table, file, compression="zstd"))
    except OSError as error:
        raise LedgerError(f"{path} cannot be written: {error.strerror or error}") from error


def read_entries(path: Path) -> list[LedgerEntry]:
    """All entries of one ledger file.

    Raises:
        LedgerError: the file is not a ledger file of a version that is known.
    """
    try:
        table = read_file(path)
    except (OSError, pa.ArrowException) as error:
        raise LedgerError(f"{path} cannot be read as Parquet: {error}") from error
    _check_version(path, table.schema)
    return from_table(table)


def read_file(path: Path) -> pa.Table:
    """One file as it is, with no column made of its path.

    Always by its path and never by an open file: Arrow's own threads would then hold Python's bytes, and one that
    lets go of them while the interpreter ends brings the process down (``terminate called``).

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
    """Some columns of many ledger files as one table, filtered by an Arrow expression.

    Raises:
        LedgerError: a file cannot be read.
    """
    names = list(columns) if columns is not None else SCHEMA.names
    if not paths:
        return SCHEMA.empty_table().select(names)
    dataset = ds.dataset([str(path) for path in paths], schema=SCHEMA, format="parquet")
    try:
        return dataset.to_table(columns=names, filter=where)
    except (OSError, pa.ArrowException) as error:
        raise LedgerError(f"a file of the ledger cannot be read: {error}") from error
