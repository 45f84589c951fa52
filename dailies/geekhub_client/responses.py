"""What GeekHub's answers mean (pages "Errors" and "GET poll"): a job, or an error of the tree. Pure."""

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import httpx

from dailies.errors import (
    BalanceEmptyError,
    ContentFilterError,
    JobNotFoundError,
    KeyRefusedError,
    PaceError,
    RowRefusedError,
    ServiceError,
    TransportError,
)
from dailies.geekhub_client.job import Job, JobStatus
from dailies.system.network import is_web_url
from dailies.system.retries import retry_after_s

_FILTERED = re.compile(r"content[\s_-]*(filter|polic|moderat)|safety|nsfw|prohibited|moderation", re.IGNORECASE)
_STATUSES = {status.value: status for status in JobStatus}
_ID = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~:-]{0,127}")
_LONGEST_REASON = 1000
_FIRST_YEAR, _LAST_YEAR = 2020, 2100


def read_job(response: httpx.Response, *, expected_id: str | None = None) -> Job:
    """The job object of a 200 answer; a status that is not documented counts as still processing.

    Raises:
        TransportError: the answer is no job object, or that of another job.
    """
    try:
        body = response.json()
        job_id, status = _job_id(body["id"]), body["status"]
    except (ValueError, KeyError, TypeError):
        raise _nonsense(response) from None
    if job_id is None or not isinstance(status, str) or expected_id not in (None, job_id):
        raise _nonsense(response)
    return Job(
        id=job_id,
        status=_STATUSES.get(status, JobStatus.PROCESSING),
        video_url=_web_url(body.get("video_url")),
        duration_s=_whole(body.get("duration")),
        error=_reason(body.get("error")),
        completed_at=_instant(body.get("completed")),
    )


def read_error(response: httpx.Response, *, is_poll: bool, secret: str) -> ServiceError:
    """The error that an answer other than 200 stands for.

    ``secret`` is the key; a service that repeats it in its message must not spread it.
    """
    error = _error_body(response)
    told = error is not None
    message, code, request_id = (
        text and text.replace(secret, "***")
        for text in (_text((error or {}).get(name)) for name in ("message", "code", "request_id"))
    )
    facts: dict[str, Any] = {
        "message": message or f"HTTP {response.status_code}",
        "code": code or f"http_{response.status_code}",
        "status": response.status_code,
        "request_id": request_id,
    }
    match response.status_code:
        case 401:
            return KeyRefusedError(**facts)
        case 403 if told:
            return KeyRefusedError(**facts)
        case 402:
            return BalanceEmptyError(**facts)
        case 429:
            return PaceError(**facts, retry_after_s=retry_after_s(response.headers, datetime.now(UTC)))
        case 404 if is_poll:
            return JobNotFoundError(**facts)
        case 502 if told and _FILTERED.search(facts["message"]):
            return ContentFilterError(**{**facts, "code": "content_filter"})
        case 408 | 425:
            return TransportError(**facts, in_doubt=not told)
        case status if told and 400 <= status < 500:
            return RowRefusedError(**facts)
        case status if status < 500:
            facts["message"] = f"HTTP {status} without GeekHub's error form: is GEEKHUB_BASE_URL right?"
            return TransportError(**facts)
        case _:
            # An error body means that the request was refused; without one nobody knows what became of it.
            return TransportError(**facts, in_doubt=not told)


def is_content_filter(reason: str) -> bool:
    """Whether a failed job's reason is the provider's content filter."""
    return bool(_FILTERED.search(reason))


def read_balance(response: httpx.Response) -> Decimal | None:
    """The balance in MXN that an answer tells, in its header or in the body of ``GET /v1/credits``; else None.

    Neither form is documented yet, so the likely names are tried.
    """
    told = _decimal(response.headers.get("x-geekhub-balance-mxn"))
    if told is not None or not response.url.path.endswith("/credits"):
        return told
    try:
        body = response.json()
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    found = (_decimal(body.get(name)) for name in ("balance_mxn", "balance", "credits_mxn", "credits"))
    return next((amount for amount in found if amount is not None), None)


def is_model_list(response: httpx.Response) -> bool:
    """Whether this is what GeekHub answers to ``GET /models``: OpenAI's list form."""
    try:
        body = response.json()
    except ValueError:
        return False
    return response.is_success and isinstance(body, dict) and isinstance(body.get("data"), list)


def read_consumption(response: httpx.Response) -> Decimal | None:
    """What the sandbox says the account was charged, in MXN."""
    try:
        return _decimal(response.json()["consumed_mxn"])
    except (ValueError, KeyError, TypeError):
        return None


def _nonsense(response: httpx.Response) -> TransportError:
    return TransportError(
        "the answer is not a job object", code="bad_answer", status=response.status_code, in_doubt=True
    )


def _error_body(response: httpx.Response) -> dict[str, Any] | None:
    try:
        error = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        return None
    return error if isinstance(error, dict) else None


def _text(value: Any) -> str | None:
    """A text that can be written to a file; JSON may also hold halves of characters, which cannot."""
    return value.encode(errors="replace").decode() if isinstance(value, str) and value else None


def _job_id(value: Any) -> str | None:
    """Return an id that can be part of a URL and of a file's name."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _web_url(value: Any) -> str | None:
    """Return a URL that can be fetched; anything else counts as missing."""
    text = _text(value)
    return text if text is not None and is_web_url(text) else None


def _reason(value: Any) -> str | None:
    """Return a reason on one line, without what controls a terminal, and of limited length."""
    text = _text(value)
    return text and "".join(letter if letter.isprintable() else " " for letter in text[:_LONGEST_REASON]).strip()


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _instant(value: Any) -> datetime | None:
    """Seconds since 1970 as an instant; None for what cannot be when a video was made."""
    try:
        instant = datetime.fromtimestamp(value, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return instant if _FIRST_YEAR <= instant.year <= _LAST_YEAR else None


def _decimal(value: Any) -> Decimal | None:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
