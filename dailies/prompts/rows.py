"""What sources of prompts are read into: rows to send, rows that cannot be sent, and the records they came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from dailies.errors import RowError


@dataclass(frozen=True, slots=True)
class PromptRow:
    """One video to make.

    Attributes:
        row_key: a UUID that is the same for the same request in any file (see ``dailies.prompts.row_key``).
        source: the file, as the user named it, with forward slashes; a URL without its secrets.
        source_line: where the record starts, from 1: a text's physical line, a sheet's or a table's row.
        prompt_id: the ``id`` column, None if it is empty.
        prompt: filled in and in normal form: what was hashed is what is sent.
        model: the namespaced id.
        duration_s: whole seconds.
        aspect_ratio: such as ``16:9``.
        take: which of several identical requests this is, from 1.
        fallback: models to try, in this order, when ``model`` has failed for good.
        metadata: the non-empty ``meta.`` columns without the prefix; to be read only, as rows share them.
    """

    row_key: str
    source: str
    source_line: int
    prompt_id: str | None
    prompt: str
    model: str
    duration_s: int
    aspect_ratio: str
    take: int
    fallback: tuple[str, ...]
    metadata: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A record that is never sent, and why.

    Attributes:
        row_key: a UUID of the file's name, the line and the raw cells.
        source: as in ``PromptRow``.
        source_line: as in ``PromptRow``.
        cells: the raw cells.
        errors: what is wrong with it.
        prompt_id: the ``id`` column, None if it is empty or unknown.
        prompt: in normal form, empty if it is unknown; not filled in.
    """

    row_key: str
    source: str
    source_line: int
    cells: tuple[str, ...]
    errors: tuple[RowError, ...]
    prompt_id: str | None
    prompt: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One source as it was read, for the results.

    Attributes:
        source: as in ``PromptRow``.
        columns: the names of its columns as it spells them.
        records: the raw cells of every record by where it starts, in the source's order.
        is_whole: whether those are all of its records, and not only the first ones.
    """

    source: str
    columns: tuple[str, ...]
    records: Mapping[int, tuple[str, ...]]
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class PromptFile:
    """One or several sources of prompts, read as a whole; each tuple is in the order of the sources and their records.

    Attributes:
        sheets: the sources.
        rows: what can be sent, each request once.
        rejected: what cannot; empty unless bad rows were to be skipped.
        repeats: rows of a later source that ask for what a row of an earlier one asks for: same key, one video.
        expanded: whether a record became several rows, or its prompt was filled in.
        notes: what the reader decided that a person may want to know, one line each.
    """

    sheets: tuple[Sheet, ...]
    rows: tuple[PromptRow, ...]
    rejected: tuple[RejectedRow, ...]
    repeats: tuple[PromptRow, ...] = ()
    expanded: bool = False
    notes: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """What to call it: the source, or the first one and how many more (``a.csv+2``)."""
        first, *others = self.sheets
        return f"{first.source}+{len(others)}" if others else first.source

    @property
    def sources(self) -> tuple[str, ...]:
        """All of the sources."""
        return tuple(sheet.source for sheet in self.sheets)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns, each as its first source spells it."""
        names = {name.strip().lower(): name for sheet in reversed(self.sheets) for name in reversed(sheet.columns)}
        ordered = dict.fromkeys(name.strip().lower() for sheet in self.sheets for name in sheet.columns if name.strip())
        return tuple(names[name] for name in ordered)

    @property
    def record_count(self) -> int:
        """How many records the sources have."""
        return sum(len(sheet.records) for sheet in self.sheets)

    def first(self, records: int | None) -> "PromptFile":
        """Return the first ``records`` records, with the row keys that they have in the whole file; None means all."""
        if records is None or records >= self.record_count:
            return self
        sheets: list[Sheet] = []
        for sheet in self.sheets:
            kept = dict(islice(sheet.records.items(), records))
            records -= len(kept)
            is_whole = sheet.is_whole and len(kept) == len(sheet.records)
            sheets += [replace(sheet, records=kept, is_whole=is_whole)] if kept else []
        places = {sheet.source: sheet.records for sheet in sheets}
        rows, repeats = (
            tuple(row for row in some if row.source_line in places.get(row.source, ()))
            for some in (self.rows, self.repeats)
        )
        rejected = tuple(row for row in self.rejected if row.source_line in places.get(row.source, ()))
        return PromptFile(tuple(sheets), rows, rejected, repeats, self.expanded, self.notes)
