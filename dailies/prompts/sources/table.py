"""What every format is read into: a header, and records of cells that are texts, each with its place."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from dailies.errors import InputError, RowError
from dailies.prompts.cells import Fault

Record = tuple[int, tuple[str, ...]]
"""Where a record stands (a line of a text, a row of a sheet; the first is 1) and its raw cells."""


@dataclass(frozen=True, slots=True)
class Table:
    """A source whose header has been read and whose records are still to come.

    Attributes:
        label: what to call it in messages: the source, and where it has several, the sheet.
        header: the names of its columns, stripped, otherwise as the source spells them.
        records: what follows, read while it is consumed; blank records are left out.
        header_line: where the header stands; None where there is none, as in JSON.
        unit: what a place is called: ``line`` or ``row``.
        faults: cells that could not be made into text, by the place of their record; known when the record is.
    """

    label: str
    header: tuple[str, ...]
    records: Iterator[Record]
    header_line: int | None = None
    unit: str = "line"
    faults: dict[int, list[Fault]] = field(default_factory=dict)


def refuse(label: str, line: int | None, reason: str, remedy: str, unit: str = "line") -> InputError:
    """The error that refuses a whole source."""
    return InputError((RowError(label, line, None, reason, remedy, unit),))


def unreadable(label: str, error: OSError | ValueError) -> InputError:
    """The same for a source that the system does not let us read."""
    match error:
        case IsADirectoryError():
            return refuse(label, None, "this is a folder", "name the CSV file in it")
        case PermissionError():
            return refuse(label, None, "the file may not be read", "give yourself the right to read it")
        case FileNotFoundError() | ValueError():
            return refuse(label, None, "there is no such file", "check the name")
    return refuse(label, None, f"the file cannot be read ({error.strerror})", "check the name and the disk")
