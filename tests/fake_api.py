"""A tiny GeekHub in memory, behind httpx's transport seam: jobs are a few states, what goes wrong is scripted."""

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

ORGANISATION = "7f1f0c9e-0000-4000-8000-00000000000a"

Fate = str | int
"""What becomes of one submit.

``renders`` (processing once, then completed), ``fails``, ``filtered``, ``hangs``, ``vanishes`` (404 on every poll),
``fails at once``, ``shorter`` and ``nowhere`` (completed with another duration, or without a URL), ``lost`` (the job is
made, the answer is not heard), ``unheard`` (no job, no answer), or an HTTP status with an error body.
"""


@dataclass(slots=True, eq=False)
class FakeJob:
    """One job: what was asked for, what will become of it, how often it was polled."""

    id: str
    body: dict[str, Any]
    fate: str
    polls: int = 0
    status: str = "processing"
    changes: dict[str, Any] = field(default_factory=dict)

    def look(self) -> None:
        """The state after one more poll."""
        self.polls += 1
        if self.fate in ("fails", "filtered"):
            self.status = "failed"
        elif self.fate != "hangs" and self.polls > 1:
            self.status = "completed"

    def answer(self) -> httpx.Response:
        """The job object."""
        done = self.status == "completed"
        error = {"fails": "fal status: ERROR", "filtered": "content filter: violence"}.get(
            self.fate.removesuffix(" at once")
        )
        url = f"https://s.test/storage/v1/object/public/generated-videos/{ORGANISATION}/{self.id}/video.mp4"
        return httpx.Response(
            200,
            json={
                "id": self.id,
                "object": "video.job",
                "status": self.status,
                "video_url": url if done and self.fate != "nowhere" else None,
                "duration": self.body["duration"] - (self.fate == "shorter"),
                "error": error if self.status == "failed" else None,
                "completed": int(time.time()) if self.status in ("completed", "failed") else None,
                **self.changes,
            },
        )


def _nothing(_: str) -> None:
    """Do nothing: no test watches."""


@dataclass(slots=True)
class FakeApi:
    """The service.

    Attributes:
        fates: for each prompt what becomes of its submits, one after the other; the last one for ever.
        jobs: every job that was made, by id.
        posts: the idempotency keys of all submits, in the order in which they came.
        gets: the job ids of all polls, likewise.
        on_post: called with the idempotency key when a submit comes in.
        on_get: called with the job id when a poll comes in.
        changes: for each prompt what its answers say instead of the truth.
        most_open: the most jobs that were open at the same time.
    """

    fates: dict[str, list[Fate]] = field(default_factory=dict)
    jobs: dict[str, FakeJob] = field(default_factory=dict)
    posts: list[str] = field(default_factory=list)
    gets: list[str] = field(default_factory=list)
    on_post: Callable[[str], object] = _nothing
    on_get: Callable[[str], object] = _nothing
    most_open: int = 0
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    _by_key: dict[str, FakeJob] = field(default_factory=dict)
    _next: Counter[str] = field(default_factory=Counter)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request, as a handler of ``httpx.MockTransport``."""
        if request.method == "POST":
            return await self._create(request.headers["idempotency-key"], json.loads(request.content))
        return await self._poll(request.url.path.rpartition("/")[2])

    async def _create(self, key: str, body: dict[str, Any]) -> httpx.Response:
        self.posts.append(key)
        await _call(self.on_post, key)
        known = self._by_key.get(key)
        if known is not None:
            return known.answer()
        fates = self.fates.get(body["prompt"], ["renders"])
        fate = fates[min(self._next[body["prompt"]], len(fates) - 1)]
        self._next[body["prompt"]] += 1
        if isinstance(fate, int):
            return refusal(fate)
        if fate == "unheard":
            raise httpx.ReadTimeout("timed out")
        job = FakeJob(f"job-{len(self.jobs) + 1}", body, "renders" if fate == "lost" else fate)
        job.changes = self.changes.get(body["prompt"], {})
        job.status = "failed" if fate == "fails at once" else "processing"
        self.jobs[job.id] = self._by_key[key] = job
        self.most_open = max(self.most_open, sum(job.status == "processing" for job in self.jobs.values()))
        if fate == "lost":
            raise httpx.ReadTimeout("timed out")
        return job.answer()

    async def _poll(self, job_id: str) -> httpx.Response:
        self.gets.append(job_id)
        await _call(self.on_get, job_id)
        job = self.jobs[job_id]
        job.look()
        return refusal(404) if job.fate == "vanishes" else job.answer()

    @property
    def sold(self) -> list[FakeJob]:
        """The jobs that were charged."""
        return [job for job in self.jobs.values() if job.status == "completed"]


async def _call(watcher: Callable[[str], object], what: str) -> None:
    seen = watcher(what)
    if hasattr(seen, "__await__"):
        await seen
    elif isinstance(seen, httpx.Response):
        raise AssertionError("a watcher only watches")


def refusal(status: int, message: str = "no") -> httpx.Response:
    """An answer in GeekHub's error form."""
    error = {"message": message, "type": "error", "code": f"code_{status}", "request_id": None}
    return httpx.Response(status, json={"error": error})
