"""The SQLite database that is the gateway's whole memory, next to its video files."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dailies.system.private_files import private

SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE organisations (
    id TEXT PRIMARY KEY, created_us INTEGER NOT NULL, balance_micros INTEGER NOT NULL
) STRICT;
CREATE TABLE keys (
    hash TEXT PRIMARY KEY, org_id TEXT NOT NULL REFERENCES organisations (id),
    created_us INTEGER NOT NULL, revoked_us INTEGER
) STRICT;
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, org_id TEXT NOT NULL REFERENCES organisations (id), number INTEGER NOT NULL,
    status TEXT NOT NULL, model TEXT NOT NULL, prompt TEXT NOT NULL, duration_s INTEGER NOT NULL,
    aspect_ratio TEXT NOT NULL, fingerprint TEXT NOT NULL, take INTEGER NOT NULL, idempotency_key TEXT,
    created_us INTEGER NOT NULL, render_us INTEGER, handed_over_us INTEGER, fails_with TEXT,
    polls INTEGER NOT NULL, completed_us INTEGER, error TEXT,
    UNIQUE (org_id, number), UNIQUE (org_id, idempotency_key), UNIQUE (org_id, fingerprint, take)
) STRICT;
CREATE TABLE transactions (
    id INTEGER PRIMARY KEY, org_id TEXT NOT NULL REFERENCES organisations (id), type TEXT NOT NULL,
    amount_micros INTEGER NOT NULL, balance_micros INTEGER NOT NULL, created_us INTEGER NOT NULL,
    job_id TEXT REFERENCES jobs (id), usd_per_second TEXT, duration_s INTEGER, fx_micros INTEGER
) STRICT;
CREATE INDEX transactions_of_org ON transactions (org_id);
CREATE UNIQUE INDEX charged_once ON transactions (job_id) WHERE type = 'consumption';
CREATE TABLE objects (
    path TEXT PRIMARY KEY, file TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
    created_us INTEGER NOT NULL
) STRICT;
PRAGMA user_version = 1;
COMMIT;
"""


def database_path(data_dir: Path) -> Path:
    """Return the path of a data folder's database."""
    return data_dir / "sandbox.sqlite3"


def connect(data_dir: Path) -> sqlite3.Connection:
    """Open the database of a data folder, and make its tables if it is new.

    The connection commits each statement by itself; ``transaction`` groups several.
    """
    path = database_path(data_dir)
    os.close(private(str(path), os.O_RDWR | os.O_CREAT))  # SQLite gives its other files the same mode
    connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
        connection.executescript(SCHEMA)
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Make the block's statements one transaction, which takes the write lock before it reads anything."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def read_setting(connection: sqlite3.Connection, name: str) -> str | None:
    """Read a setting; None if it was never written."""
    row = connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row["value"])


def write_setting(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Write a setting; it replaces an earlier value."""
    connection.execute(
        "INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )
