"""How a call over the network is repeated: four tries, with growing pauses or the pause that the server asks for."""

import stamina

from dailies.errors import TransportError

TRIES = 4
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 5.0


def _pause(error: Exception) -> bool | float:
    """Return the seconds that the server asks for, True for the usual pause, False for what no repetition mends."""
    if not isinstance(error, TransportError):
        return False
    return error.retry_after_s or True


# Decorates a call: a ``TransportError`` repeats it, the last one is raised.
retry_transport = stamina.retry(
    on=_pause, attempts=TRIES, timeout=None, wait_initial=_FIRST_PAUSE_S, wait_max=_LONGEST_PAUSE_S
)
