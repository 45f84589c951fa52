"""Removes the secrets of the settings from texts: whole or as a tail, in base64, in any case.

``load_settings`` and the clients register every secret. The redactor then stands in front of all log records of the
process, of the messages of our errors, and of what the services say.
"""

import base64
import json
import logging
import traceback
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

MARK = "***"
TAIL = 12
"""The shortest end of a secret that is removed; shorter ends would hit innocent words."""

_URLSAFE = str.maketrans("-_", "+/")
_forms: dict[str, set[str]] = {}
"""The last characters of every form of every secret, and the forms that end so; folded as ``_fold`` does."""


def register_secret(secret: str) -> None:
    """Remove this secret from every text from now on. One of fewer than 12 characters is no secret."""
    if len(secret) < TAIL or _fold(secret) in _forms.get(_fold(secret)[-TAIL:], ()):
        return
    if not _forms:
        _guard_logs()
    for form in map(_fold, _written(secret)):
        if len(form) >= TAIL:
            _forms.setdefault(form[-TAIL:], set()).add(form)


def redact(text: str) -> str:
    """Return a text without the registered secrets."""
    folded = _fold(text)
    if len(folded) != len(text):  # some capitals have a longer small form; without one, positions agree
        folded = "".join(letter if len(letter.lower()) > 1 else _fold(letter) for letter in text)
    for tail, forms in _forms.items():
        at = folded.rfind(tail)  # from the right: a secret that repeats itself ends where its last tail ends
        while at >= 0:
            end = at + TAIL
            begin = end - max(_common_end(folded[:end], form) for form in forms)
            text, folded = text[:begin] + MARK + text[end:], folded[:begin] + MARK + folded[end:]
            at = folded.rfind(tail, 0, begin)
    return text


def _common_end(text: str, form: str) -> int:
    """Return how many characters at the ends of both are the same."""
    pairs = zip(reversed(text), reversed(form), strict=False)
    return next((number for number, (one, other) in enumerate(pairs) if one != other), min(len(text), len(form)))


def _fold(text: str) -> str:
    return text.lower().translate(_URLSAFE)


def _written(secret: str) -> Iterator[str]:
    """Yield the forms in which a text may hold a secret; base64 depends on how many bytes come before it."""
    yield secret
    yield quote(secret, safe="")
    yield json.dumps(secret)[1:-1]
    content = secret.encode()
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + content).decode().rstrip("=")
        spoilt = 0 if (before + len(content)) % 3 == 0 else 1  # the last character holds bits of what follows
        yield whole[-(-before * 8 // 6) : len(whole) - spoilt]


def _guard_logs() -> None:
    """Redact every log record of this process where it is made, before any handler sees it."""
    make = logging.getLogRecordFactory()

    def make_redacted(*args: Any, **options: Any) -> logging.LogRecord:
        record = make(*args, **options)
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):  # logging itself complains of such a record
            return record
        if (clean := redact(message)) != message:
            record.msg, record.args = clean, None
        if record.exc_info and record.exc_info[1] is not None:
            trace = "".join(traceback.format_exception(record.exc_info[1])).rstrip()
            if (clean := redact(trace)) != trace:
                record.exc_text, record.exc_info = clean, None
        return record

    logging.setLogRecordFactory(make_redacted)
