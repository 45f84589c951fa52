"""The header of a source of prompts: which column is which, and what to do with the others."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter

from dailies.errors import InputError, RowError
from dailies.prompts.cells import COLUMNS, META, shown
from dailies.prompts.header_message import header_word, lacks_header, refuse_header
from dailies.prompts.likeness import propose
from dailies.prompts.options import ReadOptions, read_mapping
from dailies.prompts.sources.budget import MAX_COLUMNS
from dailies.prompts.sources.table import Table, refuse

Pick = Callable[[tuple[str, ...]], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each column stands.

    Attributes:
        names: what each column is: one of ``COLUMNS``, ``meta.<name>``, or empty where it is left out.
        foreign: which columns became labels by ``--others meta``: their lists and objects are kept as JSON.
        known: picks a record's cells in the order of ``COLUMNS``, empty where the file has no such column.
        meta_names: the names of the ``meta.`` columns, in lower case and without the prefix.
        meta: picks a record's cells in the order of ``meta_names``.
        unnamed: positions of columns without a name, which must be empty; empty where they are left out anyway.
        leaves_out: whether cells in columns without a name are left out.
        notes: what the reader decided about the header, one sentence each.
    """

    names: tuple[str, ...]
    foreign: frozenset[int]
    known: Pick
    meta_names: tuple[str, ...]
    meta: Pick
    unnamed: tuple[int, ...]
    leaves_out: bool
    notes: tuple[str, ...]


def is_column(name: str) -> bool:
    """Return whether a name in lower case can stand in a header."""
    return name in COLUMNS or name.startswith(META)


def read_columns(table: Table, sample: Sequence[tuple[str, ...]], options: ReadOptions, *, quote: bool) -> Columns:
    """Say which column of a source is which. Names are compared without regard to case.

    Args:
        table: the source.
        sample: the cells of its first records, as texts.
        options: names that the user gave, and what to do with columns that are not known.
        quote: whether a message may quote the header's words.

    Raises:
        InputError: the header does not fit; the message says everything about it at once.
    """
    if len(table.header) > MAX_COLUMNS:
        reason = f"there are {len(table.header):,} columns, but at most {MAX_COLUMNS:,} are read"
        raise refuse(table.label, table.header_line, reason, "remove the columns that no prompt needs", table.unit)
    header = tuple(plain_name(name) for name in table.header)
    names, notes = _named(table, header, sample, options, quote)
    left = [index for index, name in enumerate(header) if not names[index] and name]
    full = {index for row in sample for index, cell in enumerate(row) if cell.strip()}
    unnamed = [index for index, name in enumerate(header) if not name and not names[index]]
    behind = range(len(header), table.width)
    bare = [index for index in (*unnamed, *behind) if index in full]
    twice = [name for name, times in Counter(filter(None, names)).items() if times > 1]
    lacks_prompt = "prompt" not in names and (
        options.template is None or not (any(names) or (left and options.others != "refuse"))
    )
    wrong = META in names or twice or lacks_prompt or (options.others == "refuse" and (left or bare))
    if wrong:
        raise refuse_header(table, header, names, sample, options, quote=quote, lacks_prompt=lacks_prompt)
    foreign: set[int] = set()
    if options.others == "meta":
        foreign = _take_as_labels(names, header, left)
        notes += _said("kept as labels", table.header, sorted(foreign), quote)
    elif left:
        notes += _said("left out", table.header, left, quote)
    notes += [f"cells in columns without a name are left out (column {bare[0] + 1})"] if bare else []
    meta = [index for index, name in enumerate(names) if name.startswith(META)]
    return Columns(
        names=tuple(names),
        foreign=frozenset(foreign),
        known=_pick([names.index(name) if name in names else -1 for name in COLUMNS]),
        meta_names=tuple(names[index].removeprefix(META) for index in meta),
        meta=_pick(meta),
        unnamed=tuple(unnamed) if options.others == "refuse" else (),
        leaves_out=options.others != "refuse",
        notes=tuple(notes),
    )


def check_mapping(options: ReadOptions, headers: Sequence[tuple[str, ...]]) -> None:
    """Make sure that each name of ``--columns`` stands in some header.

    Raises:
        InputError: one does not.
    """
    for target, name in read_mapping(options.columns):
        if not any(_find(name, tuple(map(plain_name, header))) is not None for header in headers):
            reason = f"no source has a column {shown(name)} for {target}"
            raise InputError((RowError("--columns", None, None, reason, "use a name or a number of the header"),))


def mapped_names(options: ReadOptions) -> frozenset[str]:
    """Return the names, in lower case, that the user says a header has."""
    return frozenset(plain_name(name) for _, name in read_mapping(options.columns) if not name.isdecimal())


def plain_name(name: str) -> str:
    """Return a column's name without capitals and surplus white space."""
    name = " ".join(name.strip().strip("\ufeff\u200b").lower().split())
    return META + name.removeprefix(META).strip() if name.startswith(META) else name


def _named(
    table: Table, header: tuple[str, ...], sample: Sequence[tuple[str, ...]], options: ReadOptions, quote: bool
) -> tuple[list[str], list[str]]:
    """Return what each column is, by the user's word or by its own name; empty where it is neither."""
    names = [""] * len(header)
    notes: list[str] = []
    if table.header_line is None and table.is_headless and len(header) == 1 and not read_mapping(options.columns):
        return ["prompt"], notes
    for target, name in read_mapping(options.columns):
        index = _find(name, header)
        if index is not None and not names[index] and target not in names:
            names[index] = target
    for index, name in enumerate(header):
        if not names[index] and is_column(name) and not (name in names and _is_mapped(name, options)):
            names[index] = name
    if options.is_auto and not lacks_header(table):
        free = tuple("" if names[index] else name for index, name in enumerate(header))
        found = propose(free, [_free(row, names) for row in sample], [name for name in names if name])
        for target, index in found.items():
            names[index] = target
        pairs = [f"{target} is {header_word(table.header, index, quote=quote)}" for target, index in found.items()]
        notes += [f"columns found by likeness: {', '.join(pairs)}"] if pairs else []
    return names, notes


def _free(row: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    return tuple("" if index < len(names) and names[index] else cell for index, cell in enumerate(row))


def _is_mapped(target: str, options: ReadOptions) -> bool:
    return any(mapped == target for mapped, _ in read_mapping(options.columns))


def _find(name: str, header: tuple[str, ...]) -> int | None:
    plain = plain_name(name)
    if plain in header:
        return header.index(plain)
    if name.isdecimal() and 1 <= int(name) <= len(header):
        return int(name) - 1
    return None


def _take_as_labels(names: list[str], header: tuple[str, ...], left: Sequence[int]) -> set[int]:
    """Name the other columns ``meta.<name>``; a name that is in use already gets its column's number."""
    for index in left:
        name = META + header[index]
        names[index] = name if name not in names else f"{name} ({index + 1})"
    return set(left)


def _said(what: str, header: tuple[str, ...], indexes: Sequence[int], quote: bool) -> list[str]:
    if not indexes:
        return []
    words = [header_word(header, index, quote=quote) for index in indexes[:8]]
    more = f" and {len(indexes) - len(words)} more" if len(indexes) > len(words) else ""
    return [f"{'columns' if len(indexes) > 1 else 'column'} {what}: {', '.join(words)}{more}"]


def _pick(indexes: list[int]) -> Pick:
    """Pick cells by position, -1 for an absent column; nearly all of it in C, as it runs for every row."""
    pick = itemgetter(*indexes, -1, -1)
    return lambda cells: pick((*cells, ""))[:-2]
