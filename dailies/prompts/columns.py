"""The header of a source of prompts: which column is which."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from operator import itemgetter

from dailies.errors import InputError, RowError
from dailies.prompts.cells import Fault, shown
from dailies.prompts.sources.table import Table
from dailies.prompts.templates import META

COLUMNS = ("prompt", "id", "model", "duration", "aspect_ratio", "take", "fallback", "takes")

Pick = Callable[[tuple[str, ...]], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each column stands.

    Attributes:
        count: how many cells each record must have.
        known: picks a record's cells in the order of ``COLUMNS``, empty where the file has no such column.
        meta_names: the names of the ``meta.`` columns, in lower case and without the prefix.
        meta: picks a record's cells in the order of ``meta_names``.
    """

    count: int
    known: Pick
    meta_names: tuple[str, ...]
    meta: Pick


def is_column(name: str) -> bool:
    """Whether a name in lower case can stand in a header."""
    return name in COLUMNS or name.startswith(META)


def read_columns(table: Table, *, needs_prompt: bool = True) -> Columns:
    """Check the header and say how to take a record apart. Names are compared without regard to case.

    Args:
        table: the source.
        needs_prompt: whether there must be a column of prompts; a template can do instead.

    Raises:
        InputError: ``prompt`` is missing, or columns are unknown, unnamed or there twice.
    """
    names = [_plain(name) for name in table.header]
    if faults := list(_faults(names, needs_prompt=needs_prompt)):
        raise InputError(tuple(RowError(table.label, table.header_line, *fault, table.unit) for fault in faults))
    meta = [index for index, name in enumerate(names) if name.startswith(META)]
    return Columns(
        count=len(names),
        known=_pick([names.index(name) if name in names else -1 for name in COLUMNS]),
        meta_names=tuple(names[index].removeprefix(META) for index in meta),
        meta=_pick(meta),
    )


def _plain(name: str) -> str:
    name = name.strip().lower()
    return META + name.removeprefix(META).strip() if name.startswith(META) else name


def _pick(indexes: list[int]) -> Pick:
    """Pick cells by position, -1 for an absent column; nearly all of it in C, as it runs for every row."""
    pick = itemgetter(*indexes, -1, -1)
    return lambda cells: pick((*cells, ""))[:-2]


def _faults(names: list[str], *, needs_prompt: bool) -> Iterator[Fault]:
    if "prompt" not in names and (
        needs_prompt or not any(map(is_column, names))
    ):  # then the rest is probably no header at all
        yield _no_prompt(names)
        return
    first: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        if name in ("", META):
            yield Fault(name or None, f"column {number} has no name", "call it meta.<name>, or remove it")
        elif name in first:
            reason = f"columns {first[name]} and {number} have the same name"
            yield Fault(shown(name), reason, "rename or remove one")
        elif not is_column(name):
            yield _unknown(name)
        first.setdefault(name, number)


def _no_prompt(names: list[str]) -> Fault:
    spare = [name for name in names if name not in COLUMNS]
    if near := get_close_matches("prompt", spare, n=1):
        remedy = f"rename {shown(near[0])} to prompt"
    else:
        remedy = f"name the column of prompts; the header has {', '.join(map(shown, names[:8]))}"
    return Fault("prompt", "there is no such column", remedy)


def _unknown(name: str) -> Fault:
    near = get_close_matches(name, COLUMNS, n=1)
    guess = f"did you mean {near[0]}? Otherwise " if near else ""
    return Fault(shown(name), "there is no such column", f"{guess}call it {META}{shown(name)}, or remove it")
