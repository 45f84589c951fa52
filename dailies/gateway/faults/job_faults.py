"""The faults of jobs, decided when they are submitted."""

import re
from typing import Literal

from pydantic import field_validator

from dailies.gateway.faults.when import Message, When


class JobFault(When):
    """Strikes new jobs, by their prompt (a regular expression found in it) and model."""

    pattern: str | None = None
    models: tuple[str, ...] | None = None

    @field_validator("pattern")
    @classmethod
    def compile_pattern(cls, pattern: str | None) -> str | None:
        """Refuse what is no regular expression."""
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return pattern

    def is_about(self, model: str, prompt: str) -> bool:
        """Whether a job of this model and prompt is meant."""
        if self.models is not None and model not in self.models:
            return False
        return self.pattern is None or re.search(self.pattern, prompt) is not None


class ContentFilter(JobFault):
    """The provider refuses the prompt: at once as a 502 (``reply``), or by failing the job."""

    kind: Literal["content_filter"]
    how: Literal["reply", "job"] = "reply"
    message: Message = "fal: the prompt was blocked by the content filter"


class FailJob(JobFault):
    """The job fails: at its render's end, or at once when it is submitted."""

    kind: Literal["fail_job"]
    at: Literal["render", "submit"] = "render"
    error: Message = "fal status: ERROR"


class StuckJob(JobFault):
    """The job never gets done."""

    kind: Literal["stuck_job"]


class PendingJob(JobFault):
    """The job is handed to the provider by its first poll only."""

    kind: Literal["pending_job"]
