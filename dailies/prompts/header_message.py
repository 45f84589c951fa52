"""What is wrong with a header, all at once, and the options with which its file can be read as it is."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import replace

from dailies.errors import InputError, RowError
from dailies.prompts.cells import COLUMNS, META, plain_number, read_number, shown
from dailies.prompts.likeness import looks_like_records, propose, reads_like_text
from dailies.prompts.options import ReadOptions, read_mapping, write_mapping
from dailies.prompts.sources.table import Table

_SHOWN = 12
_SETTING = re.compile(r"[\w.-]+\s*[:=]\s*\S+$")
_ITEM = re.compile(r"([-*•]|\d+[.)])\s")
_ABOUT_PROMPTS = re.compile(r"\bprompts?\b", re.IGNORECASE)
_SENTENCE_WORDS = 4
_SECRETIVE = re.compile(r"[=:;{}<>\\]|[A-Za-z0-9_-]{25}")


class HeaderError(InputError):
    """The header of one source does not fit.

    Args:
        errors: the mistake.
        proposal: the options with which the source can be read; None if none is known.
    """

    def __init__(self, errors: tuple[RowError, ...], proposal: ReadOptions | None = None) -> None:
        super().__init__(errors)
        self.proposal = proposal


def refuse_header(
    table: Table,
    header: tuple[str, ...],
    names: Sequence[str],
    sample: Sequence[tuple[str, ...]],
    options: ReadOptions,
    *,
    quote: bool,
    lacks_prompt: bool,
) -> HeaderError:
    """Return the error that says everything about a header.

    Args:
        table: the source.
        header: its names in lower case.
        names: what each column is so far; empty where it is not known.
        sample: the cells of its first records.
        options: how it was read.
        quote: whether the message may quote the header's words.
        lacks_prompt: whether there is no column of prompts where one is needed.
    """
    found = _proposed(table, header, names, sample, options)
    if len(header) == 1 and not found and not any(names):  # it may be no table at all, whose words stay unquoted
        quote = False
    proposal = _options(table, header, names, sample, options, found, quote=quote)
    if proposal is not None and (proposal.lines or proposal.no_header):  # then the words are those of a prompt
        quote = False
    reasons = [
        *(["there is no column prompt"] if lacks_prompt else []),
        *_strangers(table, header, names, sample, options, quote),
        *_doubles(names),
    ]
    likes = [f"{header_word(table.header, index, quote=quote)} looks like {target}" for target, index in found.items()]
    if proposal is not None and proposal.lines:
        likes = ["each line looks like a prompt"]
    elif proposal is not None and proposal.no_header:
        likes = ["the first row looks like a record, not like a header"]
    elif not likes and proposal is not None and proposal.template != options.template:
        likes = ["a template can fill its cells in"]
    remedy = ", ".join(likes) or _advice(options, lacks_prompt=lacks_prompt)
    error = RowError(table.label, table.header_line, None, "; ".join(reasons), remedy, table.unit)
    return HeaderError((error,), proposal)


def header_word(header: Sequence[str], index: int, *, quote: bool) -> str:
    """Return a column's name if it may be quoted and looks like a name, else its number."""
    name = header[index].strip()
    if not name or name.isdecimal() or len(name) > 40 or not quote or _SECRETIVE.search(name):
        return f"column {index + 1}"
    return shown(name)


def lacks_header(table: Table) -> bool:
    """Return whether the first row is a record or a sentence, and the user has not said so."""
    if not table.is_text or table.is_headless:
        return False
    return (
        table.is_prose or looks_like_records([table.header]) or (len(table.header) == 1 and _is_item(table.header[0]))
    )


def join_proposals(proposals: Sequence[ReadOptions | None], sources: Sequence[str]) -> str:
    """Return one command that reads several sources, each of which has a proposal; empty if there is none."""
    known = [proposal for proposal in proposals if proposal is not None]
    if not known or len(known) < len(proposals) or len({(one.lines, one.no_header) for one in known}) > 1:
        return ""
    pairs = dict.fromkeys(pair for one in known for pair in read_mapping(one.columns))
    columns = ",".join(write_mapping({target: name}) for target, name in pairs)
    others = "meta" if any(one.others == "meta" for one in known) else known[0].others
    return shlex.join(["dailies", "plan", *sources, *replace(known[0], columns=columns, others=others).words()])


def _proposed(
    table: Table, header: tuple[str, ...], names: Sequence[str], sample: Sequence[tuple[str, ...]], options: ReadOptions
) -> dict[str, int]:
    if lacks_header(table):
        return {}
    free = tuple("" if names[index] else name for index, name in enumerate(header))
    cells = [tuple("" if names[i] else cell for i, cell in enumerate(row[: len(names)])) for row in sample]
    found = propose(free, cells, [name for name in names if name])
    if options.template is not None:
        found.pop("prompt", None)
    return found


def _options(
    table: Table,
    header: tuple[str, ...],
    names: Sequence[str],
    sample: Sequence[tuple[str, ...]],
    options: ReadOptions,
    found: dict[str, int],
    *,
    quote: bool,
) -> ReadOptions | None:
    """Return the options that read the source, as far as they can be guessed."""
    named = {target: index for index, target in enumerate(names) if target}
    if "prompt" not in named and "prompt" not in found and options.template is None:
        return _without_header(table, sample, options) or _from_texts(table, header, sample, options, quote=quote)
    mapped = {target: names.index(target) for target, _ in read_mapping(options.columns) if target in names}
    twice = {name for name in names if name and list(names).count(name) > 1}
    chosen = {**mapped, **found, **{name: list(names).index(name) for name in twice}}
    pairs = {target: _pointer(table.header, header, index, quote=quote) for target, index in _ordered(chosen)}
    rest = [index for index, name in enumerate(names) if not name and index not in found.values()]
    behind = any(_filled(index, sample) for index in range(len(header), table.width))
    needs_others = bool(twice) or META in names or any(_filled(index, sample) or header[index] for index in rest)
    others = "meta" if needs_others and options.others == "refuse" else options.others
    if any(not header[index] for index in rest) and not any(header[index] for index in rest):
        others = "ignore"
    if behind and others == "refuse":
        others = "ignore"
    template = options.template
    prompts = named.get("prompt", found.get("prompt"))
    if template is None and prompts is not None and _needs_template(prompts, sample):
        template = "a red fox in the snow"
    columns = write_mapping(pairs) if pairs else options.columns
    return replace(options, columns=columns, others=others, template=template)


def _is_item(name: str) -> bool:
    """Return whether the only cell of the first row is an item of a list: numbered, behind a bullet, or a sentence."""
    words = name.split()
    return bool(_ITEM.match(name)) or (len(words) >= _SENTENCE_WORDS and not _ABOUT_PROMPTS.search(name))


def _ordered(found: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(found.items(), key=lambda pair: COLUMNS.index(pair[0]) if pair[0] in COLUMNS else len(COLUMNS))


def _is_ragged(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether some record has more filled cells than the first row has cells, as in a list with commas."""
    filled = [max((index for index, cell in enumerate(row, 1) if cell.strip()), default=0) for row in rows]
    return max(filled) > filled[0] or all(count == 1 for count in filled)


def _are_seconds(index: int, rows: Sequence[Sequence[str]]) -> bool:
    numbers = [read_number(plain_number(row[index].strip())) for row in rows if index < len(row)]
    return bool(numbers) and all(number is not None and 1 <= number <= 60 for number in numbers)


def _needs_template(index: int, sample: Sequence[tuple[str, ...]]) -> bool:
    """Return whether prompts have a place for another prompt, as in sheets of styles."""
    return any(index < len(row) and "{prompt}" in row[index].lower() for row in sample)


def _from_texts(
    table: Table, header: tuple[str, ...], sample: Sequence[tuple[str, ...]], options: ReadOptions, *, quote: bool
) -> ReadOptions | None:
    """Return options that fill a template in from the first column of texts that differ, if none is like prompts."""
    if len(header) < 2 or read_mapping(options.columns) or lacks_header(table):
        return None
    for index in range(len(header)):
        cells = [row[index].strip() for row in sample if index < len(row) and row[index].strip()]
        if cells and len(set(cells)) == len(cells) and all(map(reads_like_text, cells)):
            pointer = _pointer(table.header, header, index, quote=quote)
            if pointer.isdecimal():  # a template can name no number, and nothing says that these are prompts
                return None
            return replace(options, template=f"A video of {{{pointer}}}", others="meta")
    return None


def _without_header(table: Table, sample: Sequence[tuple[str, ...]], options: ReadOptions) -> ReadOptions | None:
    """Return options for a list of prompts, one on each line, or for a table with records from its first row on."""
    rows = [table.header, *sample]
    if not table.is_text or table.is_headless or read_mapping(options.columns):
        return None
    if table.has_letters and (len(table.header) > 1 or table.is_prose):
        return None
    texts = sum(" " in row[0].strip() and not _SETTING.match(row[0].strip()) for row in rows if row)
    if (len(table.header) == 1 or table.is_prose or _is_ragged(rows)) and texts > 0.6 * len(rows):
        return replace(options, lines=True)
    if looks_like_records([table.header]):
        found = propose([""] * len(table.header), rows)
        numbers = [index for index in range(len(table.header)) if _are_seconds(index, rows)]
        if len(numbers) == 1:
            found.setdefault("duration", numbers[0])
        if "prompt" in found:
            pairs = {target: str(index + 1) for target, index in _ordered(found)}
            others = "meta" if len(found) < len(table.header) else options.others
            return replace(options, no_header=True, columns=write_mapping(pairs), others=others)
    return None


def _pointer(spelled: tuple[str, ...], header: tuple[str, ...], index: int, *, quote: bool) -> str:
    """Return how ``--columns`` names a column: by its name if that is unique and may be quoted, else by its number."""
    name = " ".join(spelled[index].split())
    if header_word(spelled, index, quote=quote) != name or header.count(header[index]) > 1:
        return str(index + 1)
    return name


def _filled(index: int, sample: Sequence[tuple[str, ...]]) -> bool:
    return any(index < len(row) and row[index].strip() for row in sample)


def _strangers(
    table: Table,
    header: tuple[str, ...],
    names: Sequence[str],
    sample: Sequence[tuple[str, ...]],
    options: ReadOptions,
    quote: bool,
) -> list[str]:
    """Return what the header has and the reader does not know, and what the user named and the header lacks."""
    said: list[str] = []
    unknown = [index for index, name in enumerate(header) if name and not names[index]]
    if unknown and (options.others == "refuse" or "prompt" not in names):
        words = [header_word(table.header, index, quote=quote) for index in unknown[:_SHOWN]]
        more = f" and {len(unknown) - len(words)} more" if len(unknown) > len(words) else ""
        said.append(
            f"{'these columns are' if len(unknown) > 1 else 'this column is'} not known: {', '.join(words)}{more}"
        )
    if options.others == "refuse":
        nameless = [index for index, name in enumerate(header) if not name and not names[index]]
        nameless += range(len(header), table.width)
        said += [f"column {index + 1} has cells, but no name" for index in nameless if _filled(index, sample)]
    missing = [name for target, name in read_mapping(options.columns) if target not in names]
    if missing:
        said.append(f"it has no {', '.join(map(shown, missing))}, which --columns names")
    return said


def _doubles(names: Sequence[str]) -> list[str]:
    said: list[str] = []
    for name in dict.fromkeys(filter(None, names)):
        places = [str(index + 1) for index, other in enumerate(names) if other == name]
        if name == META:
            said.append(f"column {places[0]} has no name after {META}")
        elif len(places) > 1:
            what = name if name in COLUMNS else f"{META}<name>"
            said.append(f"columns {' and '.join(places)} have the same name, {what}")
    return said


def _advice(options: ReadOptions, *, lacks_prompt: bool) -> str:
    if lacks_prompt:
        return "say which column holds the prompts: --columns prompt=<name or number>; or each line: --lines"
    if options.others == "refuse":
        return "say what the other columns are: --others meta keeps them as labels, --others ignore leaves them out"
    return "give each column its own name"
