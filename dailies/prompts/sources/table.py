"""What every format is read into: a header, and records of cells, each with its place."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from dailies.errors import InputError, RowError
from dailies.prompts.cells import Fault

Record = tuple[int, tuple[Any, ...]]
"""Where a record stands (a line of a text, a row of a sheet; the first is 1) and its raw cells."""

Read = Callable[[str, Any, bool], str | Fault]
"""Writes a raw cell out as text; its arguments are the column, the cell, and whether lists are kept as JSON."""


@dataclass(frozen=True, slots=True)
class Table:
    """A source whose header has been read and whose records are still to come.

    Attributes:
        label: what to call it in messages: the source, and where it has several, the sheet.
        header: the names of its columns, stripped, otherwise as the source spells them.
        records: what follows, read while it is consumed; blank records are left out.
        header_line: where the header stands; None where there is none, as in JSON.
        unit: what a place is called: ``line`` or ``row``.
        width: how many cells the header has, those without a name behind its last name included.
        read: how a raw cell becomes text; None where the cells are texts already.
        is_text: whether it is a text in lines, so that its first line may be no header.
        is_headless: whether the user said that there is no header; the columns are called 1, 2, 3.
        is_prose: whether its first row reads like a sentence or a title, and may be no header.
        has_letters: whether its columns are called A, B, C.
        notes: what the reader decided about its form, one sentence each.
    """

    label: str
    header: tuple[str, ...]
    records: Iterator[Record]
    header_line: int | None = None
    unit: str = "line"
    width: int = 0
    read: Read | None = None
    is_text: bool = False
    is_headless: bool = False
    is_prose: bool = False
    has_letters: bool = False
    notes: list[str] = field(default_factory=list)

    def texts(self, cells: tuple[Any, ...], names: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return raw cells as texts to examine; a cell that cannot be written out is empty."""
        if self.read is None:
            return cells
        named = zip_longest(names[: len(cells)], cells, fillvalue="")
        texts = (self.read(name, cell, True) for name, cell in named)
        return tuple("" if isinstance(text, Fault) else text for text in texts)


def refuse(label: str, line: int | None, reason: str, remedy: str, unit: str = "line") -> InputError:
    """Return the error that refuses a whole source."""
    return InputError((RowError(label, line, None, reason, remedy, unit),))


def unreadable(label: str, error: OSError | ValueError) -> InputError:
    """Return the error for a source that the system does not let this process read."""
    match error:
        case IsADirectoryError():
            return refuse(label, None, "this is a folder", "name the CSV file in it")
        case PermissionError():
            return refuse(label, None, "the file may not be read", "give yourself the right to read it")
        case FileNotFoundError() | ValueError():
            return refuse(label, None, "there is no such file", "check the name")
    return refuse(label, None, f"the file cannot be read ({error.strerror})", "check the name and the disk")
