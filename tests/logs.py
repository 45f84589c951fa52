"""Checks the logs of the servers and workers that tests start: an error in a log fails its test."""

import contextlib
import logging
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

KNOWN = {
    r"OperationalError.*database is locked": "SQLite is busy: the server answers 503 or tries again, and so do clients",
    r"starlette.requests.ClientDisconnect$": "a client hung up in the middle of its upload, as a killed one does",
    r"Exception in ASGI application[\s\S]*CancelledError$": "a test ended its sandbox before a slow answer came",
}
"""Errors that any log may contain: a pattern, and the reason why it is not a defect."""

IN_PROCESS = ("uvicorn.error", "asyncio")
"""The loggers of a sandbox in a thread of the tests."""

_HEAD = re.compile(r"^(?=\d\d:\d\d:\d\d\.\d+ \| |(?:DEBUG|INFO|WARNING|ERROR|CRITICAL):)", re.MULTILINE)
_BAD = re.compile(r"^\S+ \| (?:ERROR|CRITICAL) |^(?:ERROR|CRITICAL):|Traceback \(most recent call last\)")
_MOST_LINES = 20

_read_to: dict[Path, int] = {}


def watch(log: Path) -> None:
    """Watch a log from now on: its errors fail the current test, or a later one."""
    _read_to[log] = 0


def read_new(folder: Path | None) -> Iterator[str]:
    """Return the new text of each watched log since the last call, and the text of the logs in a folder."""
    for log in {*_read_to, *(folder.rglob("*.log") if folder else ())}:
        with contextlib.suppress(FileNotFoundError), log.open("rb") as file:
            file.seek(_read_to.get(log, 0))
            yield file.read().decode(errors="replace")
            if log in _read_to:
                _read_to[log] = file.tell()


def errors_in(text: str, allowed: Iterable[str] = ()) -> list[str]:
    """Return the entries of a log that are errors or contain a traceback, without those that a pattern allows."""
    patterns = [*KNOWN, *allowed]
    return [
        _shortened(entry)
        for entry in _HEAD.split(text)
        if any(_BAD.search(line) for line in entry.splitlines())
        and not any(re.search(pattern, entry) for pattern in patterns)
    ]


def _shortened(entry: str) -> str:
    """Return an entry without the middle of a long traceback."""
    lines = entry.splitlines(keepends=True)
    return entry if len(lines) <= _MOST_LINES else "".join([lines[0], "...\n", *lines[1 - _MOST_LINES :]])


@contextlib.contextmanager
def logged_here() -> Iterator[list[str]]:
    """Collect the errors that the sandboxes of this process log until the block ends, as text."""
    heard: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(f"ERROR: {self.format(record)}")

    listener = Listener(logging.ERROR)
    for name in IN_PROCESS:
        logging.getLogger(name).addHandler(listener)
    try:
        yield heard
    finally:
        for name in IN_PROCESS:
            logging.getLogger(name).removeHandler(listener)
