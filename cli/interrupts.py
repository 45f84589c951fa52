"""Ctrl-C: the first stops the run in good order, the second ends it at once. Nothing is lost either way."""

import asyncio
import os
import signal
from collections.abc import Callable

from cli.error_messages import LEFT_AT_ONCE
from dailies.run.stop import Stop


class Interrupts:
    """Handles SIGINT from before the first row is claimed until the run has ended.

    Args:
        show: prints a line.
        leave: restores the terminal before the process ends at once.
    """

    def __init__(self, show: Callable[[str], None], leave: Callable[[], None]) -> None:
        self._show = show
        self._leave = leave
        self._stop: Stop | None = None
        self._times = 0

    def listen(self) -> None:
        """Handle the signal; call this in the event loop of the run."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._heard)

    def watch(self, stop: Stop) -> None:
        """Name what a Ctrl-C stops; stop it at once if the keys were pressed before."""
        self._stop = stop
        if self._times:
            stop.everything("interrupted")

    def _heard(self) -> None:
        self._times += 1
        if self._times > 1:
            self._leave()
            os._exit(LEFT_AT_ONCE)
        self._show("Stopping: no new jobs, nothing is lost. Press Ctrl-C again to leave at once.")
        if self._stop is not None:
            self._stop.everything("interrupted")
