"""What a fault does to a request: refuse it, or spoil its finished answer."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope

from dailies.gateway.accounts.keys import Caller, revoke_key
from dailies.gateway.errors import ApiError, request_id
from dailies.gateway.faults.kinds import (
    Garble,
    IgnoreIdempotency,
    OddAnswer,
    RevokeKey,
    ServerError,
    Throttle,
    Vanish,
)
from dailies.gateway.faults.trigger import Trigger
from dailies.gateway.gateway import Gateway
from dailies.gateway.rate_limit import RateLimit

ERROR_CODES = {500: "internal_error", 502: "provider_unavailable", 503: "service_unavailable"}
PROXY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"


def refuse(gateway: Gateway, trigger: Trigger, scope: Scope) -> Response | None:
    """Answer in place of the route: a proxy's page, or None if the request goes on.

    Raises:
        ApiError: the refusal in GeekHub's form.
    """
    fault = trigger.fault
    if isinstance(fault, Throttle):
        caller: Caller | None = scope["state"].get("caller")
        _throttle(trigger, fault, caller.org_id if caller else "", gateway.clock())
    elif isinstance(fault, IgnoreIdempotency):
        scope["headers"] = [header for header in scope["headers"] if header[0] != b"idempotency-key"]
    elif isinstance(fault, Vanish):
        raise ApiError("job_not_found", "No such video job.")
    elif isinstance(fault, RevokeKey):
        revoke_key(gateway.store, scope["state"]["caller"].key_hash, gateway.now_us)
        raise ApiError("key_revoked", "The API key was revoked.")
    elif isinstance(fault, ServerError) and not fault.carried_out:
        if not fault.body:
            return Response(PROXY_PAGE, fault.status, media_type="text/html")
        raise ApiError(ERROR_CODES[fault.status], fault.message)
    return None


def _throttle(trigger: Trigger, fault: Throttle, org_id: str, now_s: float) -> None:
    new = RateLimit(fault.requests_per_second, fault.burst, fault.retry_after_s)
    try:
        trigger.rate_limits.setdefault(org_id, new).take(org_id, now_s)
        trigger.fired -= 1  # Within the rate the fault did not strike after all.
    except ApiError as error:
        if fault.retry_after == "absent":
            del error.headers["Retry-After"]
        elif fault.retry_after == "date":
            when = datetime.now(UTC) + timedelta(seconds=int(error.headers["Retry-After"]))
            error.headers["Retry-After"] = format_datetime(when, usegmt=True)
        raise


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
    """Return the answer with another body and its length."""
    changed = {b"content-length": str(len(body)).encode()}
    if content_type is not None:
        changed[b"content-type"] = content_type
    kept = tuple(header for header in answer.headers if header[0].lower() not in changed)
    return replace(answer, headers=kept + tuple(changed.items()), body=body)


def fail_answer(answer: Answer, fault: ServerError, scope: Scope) -> Answer:
    """Answer a request that was carried out by a proxy's page or an error body."""
    if not fault.body:
        return replace(with_body(answer, PROXY_PAGE, b"text/html"), status=fault.status)
    error = ApiError(ERROR_CODES[fault.status], fault.message).body(request_id(scope))
    return replace(with_body(answer, json.dumps(error).encode()), status=fault.status)


def garble_answer(answer: Answer, fault: Garble) -> Answer:
    """Cut the answer, or replace its body by something that is not JSON."""
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
    """Change the job object; any other answer stays the same."""
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
