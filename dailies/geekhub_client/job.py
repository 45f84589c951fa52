"""A job as GeekHub's answers show it (pages "POST generations" and "GET poll")."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class JobStatus(StrEnum):
    """The states that the documentation names; any other word counts as ``processing``."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """One answer of the service about one job.

    Attributes:
        id: the job's UUID.
        status: its state in this answer.
        status_word: the service's own word, where its documentation does not name it; else None.
        model: the model that the service names, None if it names none.
        video_url: where the finished video is; None until then.
        duration_s: seconds of video that the service names, rounded up; None if it names none.
        error: why it failed, in the service's words.
        completed_at: when it became terminal (UTC, whole seconds), None until then.
        tries: how many requests it took to get this answer.
        unreadable: what in the answer has a value that cannot be right, in words.
    """

    id: str
    status: JobStatus
    status_word: str | None = None
    model: str | None = None
    video_url: str | None = None
    duration_s: int | None = None
    error: str | None = None
    completed_at: datetime | None = None
    tries: int = 1
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VideoRequest:
    """What is sent to create a job: exactly what was hashed into the row key."""

    model: str
    prompt: str
    duration_s: int
    aspect_ratio: str

    def body(self) -> dict[str, str | int]:
        """Return the JSON body of ``POST /v1/videos/generations``."""
        return {
            "model": self.model,
            "prompt": self.prompt,
            "duration": self.duration_s,
            "aspect_ratio": self.aspect_ratio,
        }
