"""Prints Prefect's log above the progress of a run."""

import contextlib
import copy
import logging
import sys
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.file_proxy import FileProxy

from cli.screen.console import LastingConsole

Handler = logging.StreamHandler[Any]
_MECHANICS = ("prefect._internal", "prefect.events", "prefect.client")


@contextlib.contextmanager
def logs_above(console: Console) -> Iterator[None]:
    """Write the log through the same console, so that no line breaks the bar; one line for each record."""
    handlers = _console_handlers()
    kept = [(handler, handler.stream, handler.formatter, getattr(handler, "console", None)) for handler in handlers]
    for handler in handlers:
        handler.addFilter(_is_news)
        handler.formatter = _OneLine(handler.formatter)
        through = console if console.is_terminal else LastingConsole(file=handler.stream, highlight=False, markup=False)
        if hasattr(handler, "console"):  # Prefect's own handlers print through it
            handler.console = through
        if console.is_terminal:
            handler.stream = FileProxy(console, handler.stream)
    try:
        yield
    finally:
        for handler, stream, formatter, own in kept:
            handler.removeFilter(_is_news)
            handler.stream, handler.formatter = stream, formatter
            if own is not None:
                vars(handler)["console"] = own


def _console_handlers() -> list[Handler]:
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in list(logging.root.manager.loggerDict))]
    handlers = {id(handler): handler for logger in loggers for handler in logger.handlers}.values()
    streams = [handler for handler in handlers if isinstance(handler, logging.StreamHandler)]
    return [handler for handler in streams if handler.stream in (sys.stderr, sys.stdout)]


def _is_news(record: logging.LogRecord) -> bool:
    """Drop what the command itself says better: how a run ended, and that Prefect's server does not answer."""
    return not (record.name.startswith(_MECHANICS) or record.getMessage().startswith("Finished in state"))


class _OneLine(logging.Formatter):
    """Formats a record as another formatter does, without the traceback, which stays in Prefect's log of the run."""

    def __init__(self, inner: logging.Formatter | None) -> None:
        super().__init__()
        self._inner = inner or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        bare = copy.copy(record)
        bare.exc_info = bare.exc_text = bare.stack_info = None
        return self._inner.format(bare).partition("\n")[0]
