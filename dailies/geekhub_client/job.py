"""A job as GeekHub tells it (pages "POST generations" and "GET poll")."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class JobStatus(StrEnum):
    """The states that the documentation names; anything else is read as ``processing``."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """One answer of the service about one job.

    Attributes:
        id: the job's UUID.
        status: its state when it was asked for.
        video_url: where the finished video lies; None until then.
        duration_s: whole seconds of video that the service says it makes, None if it did not say.
        error: why it failed, in the service's words.
        completed_at: when it became terminal (UTC, whole seconds), None until then.
        tries: how many requests it took to get this answer.
    """

    id: str
    status: JobStatus
    video_url: str | None = None
    duration_s: int | None = None
    error: str | None = None
    completed_at: datetime | None = None
    tries: int = 1


@dataclass(frozen=True, slots=True)
class VideoRequest:
    """What is sent to create a job: exactly what was hashed into the row key."""

    model: str
    prompt: str
    duration_s: int
    aspect_ratio: str

    def body(self) -> dict[str, str | int]:
        """The JSON body of ``POST /v1/videos/generations``."""
        return {
            "model": self.model,
            "prompt": self.prompt,
            "duration": self.duration_s,
            "aspect_ratio": self.aspect_ratio,
        }
