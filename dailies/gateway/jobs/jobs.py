"""Video jobs as the database keeps them."""

import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class StoredJob:
    """One row of the table ``jobs``; times are Unix microseconds.

    Attributes:
        id: UUID.
        org_id: whose it is.
        number: 1, 2, 3, ... within the organisation.
        status: pending, processing, completed or failed.
        model: id in the catalogue.
        prompt: the text as it came.
        duration_s: seconds of video.
        aspect_ratio: such as ``16:9``.
        fingerprint: hash of the request, defaults resolved.
        take: how many jobs of the same fingerprint came before.
        idempotency_key: the header's value, None without one.
        created_us: when it was submitted.
        render_us: how long the provider takes; None: it never gets done.
        handed_over_us: when the provider took it; None while pending.
        fails_with: the error that its render ends with; None: a video.
        polls: the number of polls so far.
        completed_us: when it became terminal.
        error: why it failed.
    """

    id: str
    org_id: str
    number: int
    status: str
    model: str
    prompt: str
    duration_s: int
    aspect_ratio: str
    fingerprint: str
    take: int
    idempotency_key: str | None
    created_us: int
    render_us: int | None
    handed_over_us: int | None
    fails_with: str | None
    polls: int
    completed_us: int | None
    error: str | None

    @property
    def object_path(self) -> str:
        """Where its video lies in the bucket (GeekHub's video overview)."""
        return f"{self.org_id}/{self.id}/video.mp4"

    def is_rendered(self, now_us: int) -> bool:
        """Return whether the provider is done, well or badly."""
        if self.status != "processing" or self.render_us is None or self.handed_over_us is None:
            return False
        return self.handed_over_us + self.render_us <= now_us


def insert_job(connection: sqlite3.Connection, job: StoredJob) -> None:
    """Remember a new job."""
    connection.execute(
        "INSERT INTO jobs VALUES (:id, :org_id, :number, :status, :model, :prompt, :duration_s, :aspect_ratio,"
        " :fingerprint, :take, :idempotency_key, :created_us, :render_us, :handed_over_us, :fails_with, :polls,"
        " :completed_us, :error)",
        asdict(job),
    )


def _jobs(rows: Iterable[sqlite3.Row]) -> list[StoredJob]:
    return [StoredJob(**dict(row)) for row in rows]


def find_job(connection: sqlite3.Connection, org_id: str, job_id: str) -> StoredJob | None:
    """Return the organisation's job of that id; another organisation's is not found."""
    found = _jobs(connection.execute("SELECT * FROM jobs WHERE id = ? AND org_id = ?", (job_id, org_id)))
    return found[0] if found else None


def find_by_idempotency_key(connection: sqlite3.Connection, org_id: str, key: str) -> StoredJob | None:
    """Return the job that this key made."""
    found = _jobs(connection.execute("SELECT * FROM jobs WHERE org_id = ? AND idempotency_key = ?", (org_id, key)))
    return found[0] if found else None


def list_jobs(connection: sqlite3.Connection, org_id: str, after: int = 0, limit: int = -1) -> list[StoredJob]:
    """Return the organisation's jobs by number; a negative limit means all."""
    return _jobs(
        connection.execute(
            "SELECT * FROM jobs WHERE org_id = ? AND number > ? ORDER BY number LIMIT ?", (org_id, after, limit)
        )
    )


def latest_jobs(connection: sqlite3.Connection, org_id: str, limit: int) -> list[StoredJob]:
    """Return the organisation's latest jobs, the newest first."""
    return _jobs(
        connection.execute("SELECT * FROM jobs WHERE org_id = ? ORDER BY number DESC LIMIT ?", (org_id, limit))
    )


def count_jobs(connection: sqlite3.Connection, org_id: str) -> dict[str, int]:
    """Count the organisation's jobs in each status."""
    rows = connection.execute("SELECT status, COUNT(*) AS n FROM jobs WHERE org_id = ? GROUP BY status", (org_id,))
    return {row["status"]: row["n"] for row in rows}


def next_number(connection: sqlite3.Connection, org_id: str) -> int:
    """Return the number of the organisation's next job."""
    row = connection.execute(
        "SELECT COALESCE(MAX(number), 0) + 1 AS n FROM jobs WHERE org_id = ?", (org_id,)
    ).fetchone()
    return int(row["n"])


def next_take(connection: sqlite3.Connection, org_id: str, fingerprint: str) -> int:
    """Count the organisation's jobs of the same request."""
    row = connection.execute(
        "SELECT COUNT(*) AS n FROM jobs WHERE org_id = ? AND fingerprint = ?", (org_id, fingerprint)
    ).fetchone()
    return int(row["n"])
