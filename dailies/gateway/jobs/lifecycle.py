"""How a job moves: pending, processing, completed or failed; each move happens once (page "Video overview")."""

import sqlite3
from dataclasses import dataclass

from dailies.catalogue import load_catalogue
from dailies.gateway.accounts.accounts import charge
from dailies.gateway.jobs.jobs import StoredJob
from dailies.gateway.store import transaction


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A rendered file: its name in the clips folder, size in bytes, MD5 in hexadecimal."""

    name: str
    size: int
    md5: str


def count_poll(connection: sqlite3.Connection, job: StoredJob) -> None:
    """Count a poll."""
    connection.execute("UPDATE jobs SET polls = polls + 1 WHERE id = ?", (job.id,))


def hand_over(connection: sqlite3.Connection, job: StoredJob, now_us: int) -> None:
    """Give a pending job to the provider; its render begins now."""
    connection.execute(
        "UPDATE jobs SET status = 'processing', handed_over_us = ? WHERE id = ? AND status = 'pending'",
        (now_us, job.id),
    )


def fail_job(connection: sqlite3.Connection, job: StoredJob, now_us: int) -> None:
    """End a job as failed. It costs nothing (page "Billing")."""
    connection.execute(
        "UPDATE jobs SET status = 'failed', error = fails_with, completed_us = ?"
        " WHERE id = ? AND status = 'processing'",
        (now_us, job.id),
    )


def complete_job(connection: sqlite3.Connection, job: StoredJob, video: VideoFile, now_us: int) -> None:
    """Store the video and charge it: together, and once, however many polls arrive at the same time."""
    with transaction(connection):
        moved = connection.execute(
            "UPDATE jobs SET status = 'completed', completed_us = ? WHERE id = ? AND status = 'processing'",
            (now_us, job.id),
        )
        if moved.rowcount == 0:
            return
        connection.execute(
            "INSERT INTO objects VALUES (?, ?, ?, ?, ?)",
            (job.object_path, video.name, video.size, video.md5, now_us),
        )
        price = load_catalogue()[job.model].usd_per_second
        charge(connection, job.org_id, job.id, price, job.duration_s, now_us)
