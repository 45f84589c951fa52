"""Spoils finished answers as a fault script wants: cut, no JSON, or an odd job object."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope

from dailies.gateway.answers import request_id
from dailies.gateway.errors import ApiError
from dailies.gateway.faults.kinds import Garble, OddAnswer, ServerError

ERROR_CODES = {500: "internal_error", 502: "provider_unavailable", 503: "service_unavailable"}
PROXY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer. ``is_cut``: the connection ends in the middle of the body."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    is_cut: bool = False


async def take_answer(app: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    """Let the application answer, and keep the answer."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    start = messages[0]
    body = b"".join(message.get("body", b"") for message in messages[1:])
    return Answer(start["status"], tuple(start["headers"]), body)


def with_body(answer: Answer, body: bytes, content_type: bytes | None = None) -> Answer:
    """The answer with another body, its length told."""
    changed = {b"content-length": str(len(body)).encode()}
    if content_type is not None:
        changed[b"content-type"] = content_type
    kept = tuple(header for header in answer.headers if header[0].lower() not in changed)
    return replace(answer, headers=kept + tuple(changed.items()), body=body)


def fail_answer(answer: Answer, fault: ServerError, scope: Scope) -> Answer:
    """A request that was carried out, answered by a proxy's page or an error body all the same."""
    if not fault.body:
        return replace(with_body(answer, PROXY_PAGE, b"text/html"), status=fault.status)
    error = ApiError(ERROR_CODES[fault.status], fault.message).body(request_id(scope))
    return replace(with_body(answer, json.dumps(error).encode()), status=fault.status)


def garble_answer(answer: Answer, fault: Garble) -> Answer:
    """Cut the answer, or replace its body by what is no JSON."""
    match fault.form:
        case "truncated":
            return replace(answer, is_cut=True)
        case "half_json":
            return with_body(answer, answer.body[: len(answer.body) // 2])
        case "html":
            return with_body(answer, PROXY_PAGE, b"text/html")
        case "empty":
            return with_body(answer, b"")


def make_odd(answer: Answer, fault: OddAnswer) -> Answer:
    """Change the job object; any other answer stays."""
    try:
        job = json.loads(answer.body)
    except ValueError:
        return answer
    if not isinstance(job, dict) or job.get("object") != "video.job":
        return answer
    return with_body(answer, json.dumps(ODD[fault.form](job)).encode())


def _without_url(job: dict[str, Any]) -> dict[str, Any]:
    return job | {"video_url": None} if job["status"] == "completed" else job


ODD: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "wrong_types": lambda job: job | {"status": 7, "duration": "five", "created": None, "video_url": ["x"]},
    "extra_fields": lambda job: job | {"progress": 0.5, "usage": {"seconds": job["duration"]}},
    "unknown_status": lambda job: job | {"status": "postprocessing"},
    "no_url": _without_url,
}
