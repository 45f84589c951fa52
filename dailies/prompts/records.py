"""Fits the records of a source to its header: as many cells as columns, and no second header among them."""

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from dailies.prompts.cells import COLUMNS, META, Fault
from dailies.prompts.columns import Columns
from dailies.prompts.error_texts import MARKS, piles_up, seen_part
from dailies.prompts.sources.table import Table

_LONGEST_NAME = 200
_REPEATED_HEADER = Fault(
    None, "this row repeats the header", "remove it; several files can be named one by one: dailies plan a.csv b.csv"
)

PILE = Fault(None, "a cell has a hundred marks on one letter", "write the letter without them")


class Fitted(NamedTuple):
    """A record as it was read.

    Attributes:
        cells: its cells as texts.
        fitting: the same, as many as the header has.
        faults: what is wrong with it so far.
        is_lost: whether it cannot be read any further.
    """

    cells: tuple[str, ...]
    fitting: tuple[str, ...]
    faults: list[Fault]
    is_lost: bool = False


class Notes:
    """What the reader decided about records: each kind once, with the places where it happened."""

    def __init__(self, label: str, unit: str) -> None:
        self._label = label
        self._unit = unit
        self._texts: dict[str, str] = {}
        self._places: dict[str, list[int]] = {}

    def add(self, text: str, place: int, kind: str = "") -> None:
        """Note that something was decided at a place; of several texts of one kind, the first stands for all."""
        text = self._texts.setdefault(kind or text, text)
        self._places.setdefault(text, []).append(place)

    def lines(self) -> Iterator[str]:
        """Yield the notes, one line each."""
        for text, places in self._places.items():
            first = ", ".join(map(str, places[:3]))
            more = f" and {len(places) - 3:,} more, the last in {places[-1]}" if len(places) > 3 else ""
            yield f"{self._label} {self._unit}{'s' if len(places) > 1 else ''} {first}{more}: {text}"


class Records:
    """Fits the records of one source.

    Args:
        table: the source.
        columns: which of its columns is which.
        notes: takes what was decided.
    """

    def __init__(self, table: Table, columns: Columns, notes: Notes) -> None:
        self._table = table
        self._columns = columns
        self._notes = notes
        self._count = len(columns.names)
        self._header = frozenset(seen_part(name).lower() for name in table.header if name) - {""}
        self._names = self._header | frozenset(COLUMNS)
        self._longest = max(20, *map(len, self._names)) + 10
        spelled = zip(table.header, columns.names, strict=True)
        self._prompt_names = frozenset(
            {"prompt", *(seen_part(name).lower() for name, is_ in spelled if is_ == "prompt")}
        )

    def read(self, line: int, raw: tuple[Any, ...]) -> Fitted | None:
        """Fit one record; None if there is nothing in it."""
        cells, faults = self._texts(raw) if self._table.read is not None else (raw, [])
        if self._is_header(cells):
            return Fitted(cells, cells, [_REPEATED_HEADER], is_lost=True)
        fitting = cells if len(cells) == self._count else self._fitted(line, cells)
        if fitting is None:
            return Fitted(cells, cells, [*faults, self._ragged(cells)], is_lost=True)
        if not faults and not self._columns.known(fitting)[0] and self._is_blank(fitting, line):
            return None
        if max(map(len, fitting), default=0) > MARKS and any(map(piles_up, fitting)):
            return Fitted(cells, fitting, [*faults, PILE], is_lost=True)
        if self._columns.unnamed:
            faults = [*faults, *self._unnamed(fitting)]
        return Fitted(cells, fitting, faults)

    def _texts(self, raw: tuple[Any, ...]) -> tuple[tuple[str, ...], list[Fault]]:
        """Return the cells as texts; a cell without a text form is empty, and a fault unless its column is left out."""
        read, names, foreign = self._table.read, self._columns.names, self._columns.foreign
        assert read is not None
        texts: list[str] = []
        faults: list[Fault] = []
        for index, (name, cell) in enumerate(zip_longest(names[: len(raw)], raw, fillvalue="")):
            text = cell if cell.__class__ is str else read(name, cell, index in foreign)
            if not isinstance(text, str):
                if name:
                    faults.append(text)
                text = ""
            texts.append(text)
        return tuple(texts), faults

    def _fitted(self, line: int, cells: tuple[str, ...]) -> tuple[str, ...] | None:
        """Return as many cells as the header has, if surplus or missing ones certainly mean nothing, else None."""
        if len(cells) > self._count:
            are_filled = any(map(str.strip, cells[self._count :]))
            if are_filled and not (
                self._columns.leaves_out and (self._table.has_letters or len(cells) <= self._table.width)
            ):
                return None
            if not self._table.has_letters and len(cells) > self._table.width:
                self._notes.add("empty cells behind the last column are left out", line)
            return cells[: self._count]
        missing = self._columns.names[len(cells) :]
        if not self._table.has_letters and not all(name.startswith(META) or not name for name in missing):
            return None
        labels = [name for name in missing if name]
        if labels and not self._table.has_letters:
            self._notes.add(f"no cell for {', '.join(labels)}, read as empty", line)
        return cells + ("",) * len(missing)

    def _ragged(self, cells: tuple[str, ...]) -> Fault:
        if len(cells) < self._count:
            reason = f"the line has only {len(cells)} of the header's {self._count} cells"
            return Fault(None, reason, "add what is missing; a cell may be empty")
        if len(cells) <= self._table.width or self._table.has_letters:
            first = next(index for index in range(self._count, len(cells)) if cells[index].strip())
            return self._nameless(first)
        reason = f"the line has {len(cells)} cells, but the header has {self._count}"
        return Fault(None, reason, 'put double quotes around a cell with a delimiter in it: "a cat, a hat"')

    def _nameless(self, index: int) -> Fault:
        column = str(index + 1)
        if self._table.has_letters:
            from openpyxl.utils import get_column_letter

            column = get_column_letter(index + 1)
        reason = f"the cell in column {column} has no name above it"
        return Fault(None, reason, "name the column, empty the cell, or say --others ignore")

    def _is_blank(self, cells: tuple[str, ...], line: int) -> bool:
        """Return whether a row without a prompt holds nothing but what is left out, or unticked boxes."""
        filled = [cell.strip() for cell, name in zip(cells, self._columns.names, strict=True) if name and cell.strip()]
        if filled:
            if any(cell.upper() != "FALSE" for cell in filled):
                return False
            self._notes.add("rows with nothing but FALSE in them are left out", line)
            return True
        if any(map(str.strip, cells)):
            if self._columns.unnamed:
                return False
            self._notes.add("rows with nothing in the columns that are read are left out", line)
            return True
        return self._table.is_text

    def _unnamed(self, cells: tuple[str, ...]) -> Iterator[Fault]:
        return (self._nameless(index) for index in self._columns.unnamed if cells[index].strip())

    def _is_header(self, cells: Sequence[str]) -> bool:
        """Return whether a record repeats a header, this one or another, as in files that were put together."""
        first = cells[0] if cells and cells[0] else next(filter(None, cells), "")
        if len(first) > self._longest and (len(cells) > 1 or len(first) > _LONGEST_NAME):
            return False
        if len(cells) == 1 and _is_joined_header(first):
            return True
        if (name := seen_part(first).lower()) not in self._names and not name.startswith(META):
            return False
        found = {seen_part(cell).lower() for cell in cells if cell.strip()}
        are_names = all(name in self._names or name.startswith(META) for name in found)
        return are_names and (not found.isdisjoint(self._prompt_names) or (len(found) > 1 and found == self._header))


def _is_joined_header(text: str) -> bool:
    """Return whether a cell is a header with another delimiter."""
    names = [seen_part(name).lower() for name in re.split("[;,\t]", text)] if text else []
    return len(names) > 1 and "prompt" in names and all(name in COLUMNS or name.startswith(META) for name in names)
