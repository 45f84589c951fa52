"""Ctrl-C: once, the run stops in good order; twice, it leaves at once. Nothing is lost either way."""

import asyncio
import os
import signal
from collections.abc import Callable

from dailies.run.stop import Stop

LEFT_AT_ONCE = 130
"""The exit code of a command that Ctrl-C ended at once: what a shell expects after SIGINT."""


class Interrupts:
    """Listens to SIGINT from before the first row is claimed until the run has ended.

    Args:
        tell: says a line to the person who pressed the keys.
        leave: called before leaving at once, to put the terminal in order.
    """

    def __init__(self, tell: Callable[[str], None], leave: Callable[[], None]) -> None:
        self._tell = tell
        self._leave = leave
        self._stop: Stop | None = None
        self._times = 0

    def listen(self) -> None:
        """Take the signal over; to be called in the event loop of the run."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._heard)

    def watch(self, stop: Stop) -> None:
        """From now on there is something to stop; at once, if that was wished before."""
        self._stop = stop
        if self._times:
            stop.everything("interrupted")

    def _heard(self) -> None:
        self._times += 1
        if self._times > 1:
            self._leave()
            os._exit(LEFT_AT_ONCE)
        self._tell("Stopping: nothing more is submitted, nothing is lost. Ctrl-C once more leaves at once.")
        if self._stop is not None:
            self._stop.everything("interrupted")
