"""The two consoles: what was asked for goes to standard output, complaints to standard error."""

import json
import os
import sys
from typing import IO, Any

from rich.console import Console
from rich.table import Table


class LastingConsole(Console):
    """A console that outlives its reader: whatever goes on does so in silence, where Rich would leave the program."""

    def on_broken_pipe(self) -> None:
        """Nobody reads any more (``| head``, or a ``tee`` that Ctrl-C ended, too)."""
        self.quiet = True
        silence(self.file)


def silence(stream: IO[str]) -> None:
    """Let what is still written to a broken pipe go nowhere, also what Python writes as it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def console(*, to_stderr: bool = False) -> Console:
    """Standard output; or standard error, where a program reads standard output."""
    return LastingConsole(stderr=to_stderr, highlight=False)


def say(where: Console, text: str, style: str | None = None) -> None:
    """One line of text as it is: no markup in it, and no line break put into the middle of a path."""
    where.print(text, style=style, soft_wrap=True, markup=False, highlight=False)


def complain(message: str) -> None:
    """One message on standard error."""
    say(console(to_stderr=True), message, "red")


def say_json(facts: Any) -> None:
    """What a program reads: one JSON document on standard output."""
    sys.stdout.write(json.dumps(facts, indent=2, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def show_table(console: Console, title: str, rows: list[dict[str, object]]) -> None:
    """Rows of the same keys as a table: the first column to the left, the figures to the right."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for number, name in enumerate(rows[0]):
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row.values()))
    console.print(table)
