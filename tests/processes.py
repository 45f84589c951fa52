"""Real child processes, where a test is about what dies with a process and what does not."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


class Child:
    """A Python process that talks by lines."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def hear(self) -> str:
        """The next line that the child prints; empty when it has ended."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def say(self, line: str) -> None:
        """Send the child a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def signal(self, number: signal.Signals) -> None:
        """Send the child a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL: the child gets no chance to clean up."""
        self._process.kill()
        self._process.wait()

    def end(self) -> int:
        """Wait for the child to end by itself; its exit code."""
        return self._process.wait(timeout=60)


@contextlib.contextmanager
def child(code: str, *arguments: str | Path) -> Iterator[Child]:
    """Run a piece of Python in a process of its own; killed at the end if it still runs."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Child(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            process.kill()
