"""Sources of prompts: read, checked and keyed as a whole, before anything is spent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

from dailies.catalogue import load_catalogue
from dailies.errors import InputError, RowError, SettingsError
from dailies.prompts.cells import check_prompt, shown
from dailies.prompts.columns import check_mapping, read_columns
from dailies.prompts.error_texts import piles_up
from dailies.prompts.header_message import HeaderError, join_proposals
from dailies.prompts.options import AS_WRITTEN, ReadOptions, read_mapping
from dailies.prompts.row_builder import RowBuilder
from dailies.prompts.row_key import normal_text
from dailies.prompts.rows import PromptFile, PromptRow, RejectedRow, Sheet
from dailies.prompts.sources.decoding import NotUtf8Error
from dailies.prompts.sources.opening import open_table
from dailies.prompts.sources.source_names import SourceName, find_sources
from dailies.prompts.sources.stdin import is_passing
from dailies.prompts.sources.table import Table, refuse
from dailies.system.memory import many_objects

__all__ = ["PromptFile", "PromptRow", "ReadOptions", "RejectedRow", "Sheet", "read_prompts"]

Names = Path | str | Sequence[Path | str]

_SAMPLE = 50


@many_objects()
def read_prompts(
    sources: Names,
    options: ReadOptions = AS_WRITTEN,
    *,
    default_model: str = "fal/kling-2",
    folders: Sequence[Path] = (),
    quote: bool = False,
) -> PromptFile:
    """Read sources of prompts: check all of them, and name every bad row; ``docs/prompts.md`` explains the form.

    Columns: ``prompt`` (required, but for a template), ``id``, ``model`` and ``aspect_ratio`` (one or several, with
    ``|`` between them), ``duration`` (seconds), ``take`` or ``takes``, ``fallback`` and ``meta.<name>``. Empty cells
    take the defaults. A row without a take has its number among the identical requests of its source, the explicit
    takes left out; so a row has the same key whatever it is read together with.

    Args:
        sources: paths, URLs of fsspec, patterns of either, ``-`` for standard input; one or several.
        options: how to read them.
        default_model: for rows that name none.
        folders: where files must lie; anywhere if there are none.
        quote: whether messages may quote the words of headers: on a terminal, but in no log.

    Raises:
        InputError: a source is unusable, or has bad rows; with every fault found.
        SettingsError: ``default_model`` is not in the catalogue.
    """
    if default_model not in load_catalogue():
        models = ", ".join(load_catalogue())
        raise SettingsError(f"the default model {shown(default_model)} does not exist; use one of {models}")
    names = [str(name) for name in ([sources] if isinstance(sources, Path | str) else sources)]
    read_mapping(options.columns)  # a mistake in it is no mistake of each source
    reading = _Reading(options, _normal_template(options.template), default_model, quote)
    files = reading.read_each(find_sources(names, folders), names)
    check_mapping(options, [sheet.columns for file in files for sheet in file.sheets])
    rejected = tuple(row for file in files for row in file.rejected)
    if rejected and not options.skip_bad_rows:
        raise InputError(tuple(error for row in rejected for error in row.errors))
    return files[0] if len(files) == 1 else _join(files, rejected)


@dataclass(frozen=True, slots=True)
class _Reading:
    """How every source of one call is read."""

    options: ReadOptions
    template: str
    default_model: str
    quote: bool

    def read_each(self, sources: Sequence[SourceName], names: Sequence[str]) -> list[PromptFile]:
        """Read one source after the other; when several cannot be used at all, the error names each of them."""
        files: list[PromptFile] = []
        errors: list[RowError] = []
        proposals: list[ReadOptions | None] = []
        for name in sources:
            try:
                with open_table(name, self.options, quote=self.quote) as table:
                    files.append(self._read(table, name.label))
            except HeaderError as error:
                errors += error.errors
                proposals.append(error.proposal)
            except InputError as error:
                errors += error.errors
                is_only_one = isinstance(error, NotUtf8Error) and len(names) == len(sources) == 1
                proposals.append(self._in_cp1252(name) if is_only_one else None)
        if errors:
            raise InputError(tuple(errors), join_proposals(proposals, names))
        return files

    def _in_cp1252(self, name: SourceName) -> ReadOptions | None:
        """The options that read a text in cp1252, None if it cannot be in it or can be read only once."""
        options = replace(self.options, encoding="cp1252")
        if name.is_url or is_passing(name.place):
            return None
        try:
            with open_table(name, options, quote=self.quote) as table:
                _Reading._read(replace(self, options=options), table, name.label)
        except HeaderError as error:
            return error.proposal
        except InputError:
            return None
        return options

    def _read(self, table: Table, source: str) -> PromptFile:
        head = list(islice(table.records, _SAMPLE))
        columns = read_columns(table, [table.texts(raw) for _, raw in head], self.options, quote=self.quote)
        builder = RowBuilder(source, table, columns, self.default_model, self.template, self.options)
        records: dict[int, tuple[str, ...]] = {}
        for line, raw in chain(head, table.records):
            cells = builder.add(line, raw)
            if cells is not None:
                records[line] = cells
        if not records:
            raise refuse(table.label, None, "the file has a header but no rows", "add a row for each video")
        rows = tuple(builder.rows())
        notes = (*(f"{table.label}: {note}" for note in (*table.notes, *columns.notes)), *builder.notes.lines())
        sheet = Sheet(source, table.header, records)
        return PromptFile((sheet,), rows, tuple(builder.rejected), (), builder.expanded, notes)


def _join(files: Sequence[PromptFile], rejected: tuple[RejectedRow, ...]) -> PromptFile:
    """Join several sources: what two of them ask for is one row, that of the first."""
    seen: set[str] = set()
    rows: list[PromptRow] = []
    repeats: list[PromptRow] = []
    for file in files:
        for row in file.rows:
            (repeats if row.row_key in seen else rows).append(row)
        seen.update(row.row_key for row in file.rows)
    notes = tuple(note for file in files for note in file.notes)
    sheets = tuple(sheet for file in files for sheet in file.sheets)
    return PromptFile(sheets, tuple(rows), rejected, tuple(repeats), any(file.expanded for file in files), notes)


def _normal_template(template: str | None) -> str:
    raw = template or ""
    text = normal_text("" if piles_up(raw) else raw)
    if template is not None and (fault := check_prompt(text)):
        raise InputError((RowError("--template", None, None, fault.reason, fault.remedy),))
    return text
