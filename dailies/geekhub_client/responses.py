"""Checks GeekHub's answers and reads them as a job or an error (pages "Errors" and "GET poll"). Pure."""

import math
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
from dailies.redaction import redact
from dailies.system.network import is_web_url
from dailies.system.retries import retry_after_s

_FILTERED = re.compile(r"content[\s_-]*(filter|polic|moderat)|safety|nsfw|prohibited|moderation", re.IGNORECASE)
_STATUSES = {status.value: status for status in JobStatus}
_ID = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~:-]{0,127}")
_FIRST_YEAR, _LAST_YEAR = 2020, 2100
_KEY_CODES = ("missing_api_key", "invalid_api_key", "key_revoked")
_LONGEST_TEXT = 2000
_LONGEST_VIDEO_S = 86_400
_LARGEST = Decimal(10) ** 12


def read_json(response: httpx.Response) -> Any:
    """Decode the JSON of an answer.

    Raises:
        ValueError: it is not JSON, or is nested too deeply to be decoded.
    """
    try:
        return response.json()
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read_job(response: httpx.Response, *, expected_id: str | None = None) -> Job:
    """Read the job object of a 200 answer; a status that is not documented counts as still processing.

    Raises:
        TransportError: the answer is no job object, or that of another job.
    """
    try:
        body = read_json(response)
        job_id, status = _job_id(body["id"]), body["status"]
    except (ValueError, KeyError, TypeError):
        raise _nonsense(response) from None
    if job_id is None or not isinstance(status, str) or expected_id not in (None, job_id):
        raise _nonsense(response)
    duration_s, completed_at = _seconds(body.get("duration")), _instant(body.get("completed"))
    read = {"duration": duration_s, "completed": completed_at}
    return Job(
        id=job_id,
        status=_STATUSES.get(status, JobStatus.PROCESSING),
        status_word=None if status in _STATUSES else _text(status) or "an empty word",
        model=_text(body.get("model")),
        video_url=_web_url(body.get("video_url")),
        duration_s=duration_s,
        error=_reason(body.get("error")),
        completed_at=completed_at,
        unreadable=tuple(
            f"{name} is {_text(str(body[name]))}"
            for name, value in read.items()
            if value is None and body.get(name) is not None
        ),
    )


def read_error(response: httpx.Response, *, is_poll: bool) -> ServiceError:
    """Read an answer other than 200 as an error."""
    error = _error_body(response)
    has_body = error is not None
    message, code, request_id = (_text((error or {}).get(name)) for name in ("message", "code", "request_id"))
    facts: dict[str, Any] = {
        "message": message or f"HTTP {response.status_code}",
        "code": code or f"http_{response.status_code}",
        "status": response.status_code,
        "request_id": request_id,
    }
    match response.status_code:
        case 401:
            return KeyRefusedError(**facts)
        case 403 if has_body and not (is_poll and code not in _KEY_CODES):  # one job may be refused to a good key
            return KeyRefusedError(**facts)
        case 402:
            return BalanceEmptyError(**facts)
        case 429:
            return PaceError(**facts, retry_after_s=retry_after_s(response.headers, datetime.now(UTC)))
        case 404 if is_poll:
            return JobNotFoundError(**facts)
        case status if has_body and status >= 400 and is_content_filter(f"{code} {message}"):
            return ContentFilterError(**{**facts, "code": "content_filter"})
        case 408 | 425:
            return TransportError(**facts, in_doubt=not has_body)
        case status if has_body and 400 <= status < 500:
            return RowRefusedError(**facts)
        case status if status < 500:
            facts["message"] = f"HTTP {status} without GeekHub's error form: is GEEKHUB_BASE_URL right?"
            return TransportError(**facts)
        case _:
            # An error body means that the request was refused; without one, what became of it is unknown.
            return TransportError(**facts, in_doubt=not has_body)


def is_content_filter(reason: str) -> bool:
    """Return whether a reason, as a code or in words, is the provider's content filter."""
    return bool(_FILTERED.search(reason))


def read_balance(response: httpx.Response) -> Decimal | None:
    """Return the balance in MXN from the header or from the body of ``GET /v1/credits``; else None.

    Neither form is documented yet, so the likely names are tried.
    """
    in_header = _decimal(response.headers.get("x-geekhub-balance-mxn"))
    if in_header is not None or not response.url.path.endswith("/credits"):
        return in_header
    try:
        body = read_json(response)
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    found = (_decimal(body.get(name)) for name in ("balance_mxn", "balance", "credits_mxn", "credits"))
    return next((amount for amount in found if amount is not None), None)


def is_model_list(response: httpx.Response) -> bool:
    """Return whether this is what GeekHub answers to ``GET /models``: OpenAI's list form."""
    try:
        body = read_json(response)
    except ValueError:
        return False
    return response.is_success and isinstance(body, dict) and isinstance(body.get("data"), list)


def read_consumption(response: httpx.Response) -> Decimal | None:
    """Return what the sandbox says the account was charged, in MXN."""
    try:
        return _decimal(read_json(response)["consumed_mxn"])
    except (ValueError, KeyError, TypeError):
        return None


def _nonsense(response: httpx.Response) -> TransportError:
    return TransportError(
        "the answer is not a job object", code="bad_answer", status=response.status_code, in_doubt=True
    )


def _error_body(response: httpx.Response) -> dict[str, Any] | None:
    try:
        error = read_json(response)["error"]
    except (ValueError, KeyError, TypeError):
        return None
    return error if isinstance(error, dict) else None


def _text(value: Any) -> str | None:
    """Return a text that can be written to a file and shown: no secret, lone surrogate or control character."""
    if not isinstance(value, str):
        return None
    text = redact(value[: 2 * _LONGEST_TEXT])[:_LONGEST_TEXT].encode(errors="replace").decode()
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()) or None


def _job_id(value: Any) -> str | None:
    """Return an id that can be part of a URL and of a file's name."""
    return value if isinstance(value, str) and _ID.fullmatch(value) and redact(value) == value else None


def _web_url(value: Any) -> str | None:
    """Return a URL that can be fetched; anything else counts as missing."""
    return value if isinstance(value, str) and value == _text(value) and is_web_url(value) else None


def _reason(value: Any) -> str | None:
    """Return why a job failed: a text, or the code and the message of an error object."""
    if isinstance(value, dict):
        return ": ".join(filter(None, (_text(value.get("code")), _text(value.get("message"))))) or None
    return _text(value)


def _seconds(value: Any) -> int | None:
    """Return seconds of video, rounded up, whatever form the number has; None for what cannot be a duration."""
    seconds = None if isinstance(value, bool) else _decimal(value)
    return math.ceil(seconds) if seconds is not None and 0 < seconds <= _LONGEST_VIDEO_S else None


def _instant(value: Any) -> datetime | None:
    """Return seconds since 1970 as an instant; None for what cannot be when a video was made."""
    seconds = None if isinstance(value, bool) else _decimal(value)
    try:
        instant = datetime.fromtimestamp(float(seconds) if seconds is not None else value, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return instant if _FIRST_YEAR <= instant.year <= _LAST_YEAR else None


def _decimal(value: Any) -> Decimal | None:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) < _LARGEST else None
