"""How a call over the network is repeated: four tries, with growing pauses or the pause that the server asks for."""

import logging
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

import stamina
from stamina.instrumentation import RetryDetails

from dailies.errors import TransportError

_LOG = logging.getLogger(__name__)

TRIES = 4
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 5.0
_UNREADABLE_PAUSE_S = 2.0
_SHORTEST_ASKED_S, _LONGEST_ASKED_S = 0.1, 300.0


def _pause(error: Exception) -> bool | float:
    """Return the seconds that the server asks for, True for the usual pause, False for what no repetition mends."""
    if not isinstance(error, TransportError):
        return False
    return error.retry_after_s or True


def _log_reason(details: RetryDetails) -> None:
    error = f"{type(details.caused_by).__name__}: {details.caused_by}"
    _LOG.warning("try %d failed (%s); trying again in %.1f s", details.retry_num, error, details.wait_for)


# Instead of stamina's own record, which says only "stamina.retry_scheduled".
stamina.instrumentation.set_on_retry_hooks([_log_reason])

# Decorates a call: a ``TransportError`` repeats it, the last one is raised.
retry_transport = stamina.retry(
    on=_pause, attempts=TRIES, timeout=None, wait_initial=_FIRST_PAUSE_S, wait_max=_LONGEST_PAUSE_S
)


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float:
    """Return the seconds that ``Retry-After`` asks for (a number or a date), 0.1 to 300; 2 if it is missing."""
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - now).total_seconds()
        except (ValueError, TypeError):
            seconds = _UNREADABLE_PAUSE_S
    return min(max(seconds, _SHORTEST_ASKED_S), _LONGEST_ASKED_S) if seconds == seconds else _UNREADABLE_PAUSE_S
