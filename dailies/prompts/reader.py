"""Sources of prompts: read, checked and keyed as a whole, before anything is spent."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from dailies.catalogue import load_catalogue
from dailies.errors import InputError, RowError, SettingsError
from dailies.prompts.cells import check_prompt, shown
from dailies.prompts.columns import read_columns
from dailies.prompts.row_builder import RowBuilder
from dailies.prompts.row_key import normal_text
from dailies.prompts.rows import PromptFile, PromptRow, RejectedRow, Sheet
from dailies.prompts.sources.opening import open_table
from dailies.prompts.sources.source_names import SourceName, find_sources
from dailies.prompts.sources.table import Table, refuse
from dailies.system.memory import many_objects

__all__ = ["PromptFile", "PromptRow", "RejectedRow", "Sheet", "read_prompts"]

Names = Path | str | Sequence[Path | str]


@many_objects()
def read_prompts(
    sources: Names,
    *,
    default_model: str = "fal/kling-2",
    skip_bad_rows: bool = False,
    template: str | None = None,
) -> PromptFile:
    """Read sources of prompts: all of them are checked, and every bad row is named. ``docs/prompts.md`` tells the form.

    Columns: ``prompt`` (required, but for a template), ``id``, ``model`` and ``aspect_ratio`` (one or several, with
    ``|`` between them), ``duration`` (seconds), ``take`` or ``takes``, ``fallback`` and ``meta.<name>``. Empty cells
    take the defaults. A row without a take has its number among the identical requests of its source, the explicit
    takes left out; so a row has the same key whatever it is read together with.

    Args:
        sources: paths, URLs of fsspec, patterns of either, ``-`` for standard input; one or several.
        default_model: for rows that name none.
        skip_bad_rows: give bad rows as ``rejected`` instead of refusing everything.
        template: a prompt for rows without one of their own, ``{name}`` filled in from ``meta.name``.

    Raises:
        InputError: a source is unusable, or has bad rows; with every fault found.
        SettingsError: ``default_model`` is not in the catalogue.
    """
    if default_model not in load_catalogue():
        models = ", ".join(load_catalogue())
        raise SettingsError(f"the default model {shown(default_model)} does not exist; use one of {models}")
    names = [sources] if isinstance(sources, Path | str) else sources
    text = _normal_template(template)
    files = list(_read_each(find_sources(map(str, names)), default_model, text))
    rejected = tuple(row for file in files for row in file.rejected)
    if rejected and not skip_bad_rows:
        raise InputError(tuple(error for row in rejected for error in row.errors))
    return files[0] if len(files) == 1 else _join(files, rejected)


def _read_each(names: Sequence[SourceName], default_model: str, template: str) -> Iterator[PromptFile]:
    """Read one source after the other; when several cannot be used at all, each of them is told."""
    errors: list[RowError] = []
    for name in names:
        try:
            with open_table(name) as table:
                yield _parse(table, name.label, default_model, template)
        except InputError as error:
            errors += error.errors
    if errors:
        raise InputError(tuple(errors))


def _parse(table: Table, source: str, default_model: str, template: str) -> PromptFile:
    builder = RowBuilder(source, table, read_columns(table, needs_prompt=not template), default_model, template)
    records: dict[int, tuple[str, ...]] = {}
    for line, cells in table.records:
        records[line] = cells
        builder.add(line, cells)
    if not records:
        raise refuse(table.label, None, "the file has a header but no rows", "add a row for each video")
    rows = tuple(builder.rows())
    return PromptFile((Sheet(source, table.header, records),), rows, tuple(builder.rejected), (), builder.expanded)


def _join(files: Sequence[PromptFile], rejected: tuple[RejectedRow, ...]) -> PromptFile:
    """Several sources as one: what two of them ask for is one row, that of the first."""
    seen: set[str] = set()
    rows: list[PromptRow] = []
    repeats: list[PromptRow] = []
    for file in files:
        for row in file.rows:
            (repeats if row.row_key in seen else rows).append(row)
        seen.update(row.row_key for row in file.rows)
    sheets = tuple(sheet for file in files for sheet in file.sheets)
    return PromptFile(sheets, tuple(rows), rejected, tuple(repeats), any(file.expanded for file in files))


def _normal_template(template: str | None) -> str:
    text = normal_text(template or "")
    if template is not None and (fault := check_prompt(text)):
        raise InputError((RowError("--template", None, None, fault.reason, fault.remedy),))
    return text
