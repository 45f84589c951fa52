"""Real child processes, for tests of what ends with a process and what does not."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


class Child:
    """A Python process that exchanges lines with the test."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def hear(self) -> str:
        """Return the next line that the child prints; empty after its end."""
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
        """Send SIGKILL: the child cannot clean up."""
        self._process.kill()
        self._process.wait()

    def end(self) -> int:
        """Wait until the child ends by itself, and return its exit code."""
        return self._process.wait(timeout=60)


@contextlib.contextmanager
def child(code: str, *arguments: str | Path) -> Iterator[Child]:
    """Run Python code in another process; kill the process at the end if it still runs."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Child(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            process.kill()
