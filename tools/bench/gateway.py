"""A gateway for benchmarks: seeded jobs behind the protocols of five services, with hardly any cost.

It records when the render of each job ended and when a client first saw that; see ``GET /bench/stats``.
"""

import asyncio
import json
import math
import random
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from dailies.catalogue import load_catalogue
from dailies.gateway.jobs.render_time import draw_render_us
from dailies.pacing.rate_limiter import Rate

_ORGANISATION = "7f1f0c9e-0000-4000-8000-00000000000a"
_NOT_FOUND = 404, {"error": {"message": "not here", "type": "error", "code": "not_found", "request_id": None}}
_TOO_FAST = 429, {"error": {"message": "slower", "type": "error", "code": "rate_limit_exceeded", "request_id": None}}


@dataclass(slots=True)
class Job:
    """One job: when its render ends, and when clients polled it."""

    id: str
    dialect: str
    body: dict[str, Any]
    created: float
    done: float
    polls: int = 0
    seen: float | None = None

    def look(self, now: float) -> bool:
        """Poll the job once; return whether it is done."""
        if self.seen is None:
            self.polls += 1
            if now >= self.done:
                self.seen = now
        return now >= self.done


@dataclass(slots=True)
class Plan:
    """The behaviour of the gateway until the next reset.

    Attributes:
        model: whose render times are drawn.
        scale: factor on them.
        constant_s: the same time for all instead; 0 for drawn ones.
        seed: of the times.
        lose_every: each so-manieth POST is carried out, but not answered; 0 for none.
        posts_per_s: beyond it POSTs are refused with Retry-After; 0 for no limit.
    """

    model: str = "fal/kling-2"
    scale: float = 1 / 30
    constant_s: float = 0.0
    seed: int = 0
    lose_every: int = 0
    posts_per_s: float = 0.0


@dataclass(slots=True)
class Gateway:
    """All jobs since the last reset."""

    plan: Plan = field(default_factory=Plan)
    jobs: dict[str, Job] = field(default_factory=dict)
    known: dict[str, Job] = field(default_factory=dict)
    posts: int = 0
    refused: int = 0
    rate: Rate = field(default_factory=lambda: Rate(math.inf))

    def reset(self, plan: dict[str, Any]) -> None:
        """Forget everything and start another plan."""
        self.plan, self.jobs, self.known, self.posts, self.refused = Plan(**plan), {}, {}, 0, 0
        self.rate = Rate(self.plan.posts_per_s or math.inf, 0.5)

    def create(self, dialect: str, body: dict[str, Any], key: str | None) -> Job | None:
        """Create a job; return None if the submit comes too early."""
        now = time.time()
        if self.rate.wait_s(now) > 0:
            self.refused += 1
            return None
        self.rate.spend(now)
        self.posts += 1
        if key and key in self.known:
            return self.known[key]
        number = len(self.jobs)
        render_s = self.plan.constant_s or self._draw_s(number)
        chance = random.Random(f"{self.plan.seed}/{number}")
        job_id = f"{chance.getrandbits(32):08x}-0000-4000-8000-{number:012d}"
        job = self.jobs[job_id] = Job(job_id, dialect, body, now, now + render_s)
        if key:
            self.known[key] = job
        return job

    def _draw_s(self, number: int) -> float:
        model = load_catalogue()[self.plan.model]
        return draw_render_us(model, self.plan.seed, str(number), 1.0) / 1e6 * self.plan.scale

    @property
    def loses_answer(self) -> bool:
        """Return whether the response to the last POST is lost."""
        return bool(self.plan.lose_every) and self.posts % self.plan.lose_every == 0

    def stats(self) -> dict[str, Any]:
        """Return the figures of all jobs."""
        seen = [job for job in self.jobs.values() if job.seen is not None]
        lags = [job.seen - job.done for job in seen if job.seen is not None]
        created = [job.created for job in self.jobs.values()] or [0.0]
        return {
            "jobs": len(self.jobs),
            "seen": len(seen),
            "prompts": len({_prompt(job.body) for job in self.jobs.values()}),
            "prompts_seen": len({_prompt(job.body) for job in seen}),
            "polls": sum(job.polls for job in self.jobs.values()),
            "lag_mean_s": sum(lags) / max(len(lags), 1),
            "lag_max_s": max(lags, default=0.0),
            "makespan_s": max((job.seen or 0.0 for job in seen), default=0.0) - min(created),
            "refused": self.refused,
            "render_s": [job.done - job.created for job in self.jobs.values()],
        }


def _prompt(body: dict[str, Any]) -> str:
    return str(body.get("prompt") or body.get("promptText") or body.get("input", {}).get("prompt") or "")


class Answering(asyncio.Protocol):
    """One connection: as much of HTTP/1.1 with keep-alive as the clients need."""

    def __init__(self, gateway: Gateway, port: int) -> None:
        self._gateway = gateway
        self._base = f"http://127.0.0.1:{port}"
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for responses."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].decode("latin-1").split("\r\n")
            headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:])}
            whole = end + 4 + int(headers.get("content-length", 0))
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            method, target, _ = head[0].split(" ")
            answer = self._answer(method, target.partition("?")[0], headers, body)
            if answer is None:
                self._transport.close()
                return
            self._send(*answer)

    def _send(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        extra = b"retry-after: 1\r\n" if status == 429 else b""
        head = b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % (status, len(content))
        self._transport.write(head + extra + b"\r\n" + content)

    def _answer(self, method: str, path: str, headers: dict[str, str], raw: bytes) -> tuple[int, dict[str, Any]] | None:
        gateway = self._gateway
        if path == "/bench/stats":
            return 200, gateway.stats()
        if path == "/bench/reset":
            gateway.reset(json.loads(raw))
            return 200, {}
        if path == "/v1/models":
            return 200, {"object": "list", "data": [{"id": model, "object": "model"} for model in load_catalogue()]}
        if method == "POST":
            dialect = _DIALECTS.get(path)
            if dialect is None:
                return _NOT_FOUND
            job = gateway.create(dialect, _body(raw, headers), headers.get("idempotency-key"))
            if job is None:
                return _TOO_FAST
            if gateway.loses_answer:
                return None
            return (201 if dialect == "replicate" else 200), _told(job, is_done=False, base=self._base)
        job = next((gateway.jobs[part] for part in path.split("/") if part in gateway.jobs), None)
        if job is None:
            return _NOT_FOUND
        if job.dialect == "fal" and not path.endswith("/status"):
            return 200, {"video": {"url": "https://files.test/video.mp4"}}
        return 200, _told(job, is_done=job.look(time.time()), base=self._base)


_DIALECTS = {
    "/v1/videos/generations": "geekhub",
    "/v1/videos": "openai",
    "/v1/text_to_video": "runway",
    "/v1/models/a/b/predictions": "replicate",
    "/fal-ai/x": "fal",
}


def _body(raw: bytes, headers: dict[str, str]) -> dict[str, Any]:
    if "json" in headers.get("content-type", ""):
        body: dict[str, Any] = json.loads(raw)
        return body
    named = raw.partition(b'name="prompt"\r\n\r\n')[2]  # multipart, or a form
    return {"prompt": (named or raw).partition(b"\r\n")[0].decode()}


def _told(job: Job, *, is_done: bool, base: str) -> dict[str, Any]:
    match job.dialect:
        case "geekhub":
            url = f"https://s.test/storage/v1/object/public/generated-videos/{_ORGANISATION}/{job.id}/video.mp4"
            return {
                "id": job.id,
                "object": "video.job",
                "model": job.body.get("model"),
                "status": "completed" if is_done else "processing",
                "video_url": url if is_done else None,
                "duration": job.body.get("duration"),
                "error": None,
                "created": int(job.created),
                "completed": int(job.seen or 0) if is_done else None,
            }
        case "openai":
            status = "completed" if is_done else "in_progress"
            video = {
                "object": "video",
                "model": "sora-2",
                "progress": 100 * is_done,
                "seconds": "4",
                "size": "720x1280",
            }
            return {"id": job.id, "status": status, "created_at": int(job.created), **video}
        case "runway":
            task = {"id": job.id, "status": "SUCCEEDED" if is_done else "RUNNING", "createdAt": "2026-11-12T18:00:00Z"}
            return {**task, "output": ["https://files.test/video.mp4"]} if is_done else {**task, "progress": 0.5}
        case "replicate":
            urls = {"get": f"{base}/v1/predictions/{job.id}", "cancel": f"{base}/v1/predictions/{job.id}/cancel"}
            status = "succeeded" if is_done else "processing"
            return {"id": job.id, "model": "a/b", "version": "1", "status": status, "input": {}, "urls": urls}
    requests = f"{base}/fal-ai/x/requests/{job.id}"
    urls = {"status_url": f"{requests}/status", "response_url": requests, "cancel_url": f"{requests}/cancel"}
    return {"request_id": job.id, "status": "COMPLETED" if is_done else "IN_PROGRESS", "logs": None, **urls}


async def serve(port: int) -> None:
    """Serve until the process ends."""
    gateway = Gateway()
    server = await asyncio.get_running_loop().create_server(
        lambda: Answering(gateway, port), "127.0.0.1", port, backlog=4096
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
