"""The two consoles: output goes to standard output, complaints to standard error."""

import io
import json
import os
import sys
from typing import IO, Any

from rich.console import Console
from rich.table import Table


class LastingConsole(Console):
    """A console that outlives its reader: it falls silent where Rich would end the program."""

    def on_broken_pipe(self) -> None:
        """Fall silent: the reader is gone (``| head``, or a ``tee`` that Ctrl-C ended, too)."""
        self.quiet = True
        silence(self.file)


def replace_unknown_characters() -> None:
    """Print a question mark where the terminal's encoding (ASCII, cp1252) lacks a character."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def silence(stream: IO[str]) -> None:
    """Send the rest of a broken pipe nowhere, including what Python flushes at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def console(*, to_stderr: bool = False) -> Console:
    """Return standard output, or standard error if a program reads standard output."""
    return LastingConsole(stderr=to_stderr, highlight=False)


def say(where: Console, text: str, style: str | None = None) -> None:
    """Print one line unchanged: no markup, and no line break inside a path."""
    where.print(text, style=style, soft_wrap=True, markup=False, highlight=False)


def complain(message: str) -> None:
    """Print one message on standard error."""
    say(console(to_stderr=True), message, "red")


def say_json(facts: Any) -> None:
    """Print one JSON document on standard output, for programs."""
    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    sys.stdout.write(json.dumps(facts, indent=2, ensure_ascii=not is_unicode, default=str) + "\n")
    sys.stdout.flush()


def show_table(console: Console, title: str, rows: list[dict[str, object]]) -> None:
    """Print rows of the same keys as a table: the first column left, the figures right."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for number, name in enumerate(rows[0]):
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row.values()))
    console.print(table)
