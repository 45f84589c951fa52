"""Templates: a prompt with ``{season}`` in it is filled in from the row's ``meta.season``.

A name in braces is a placeholder; a name in doubled braces is sent in single ones: ``{{season}}`` as ``{season}``.
Every other brace is itself, so prompts in JSON are sent as they stand. What is filled in is not read again.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache

from dailies.prompts.cells import META, Fault, shown

MAX_FILLED_CHARACTERS = 100_000
_NAME = r"\w(?:[\w .-]{0,98}\w)?"
# Possessive: each run of braces is tried once, however long it is.
_PLACE = re.compile(r"(?<!\{)(\{++)(" + _NAME + r")(\}++)")

Check = Callable[[str, str], Fault | None]
"""Says what is wrong with a value that a prompt needs; its arguments are the column and the value."""


def fill(
    template: str, values: Mapping[str, str], names: Iterable[str], check: Check | None = None
) -> tuple[str, list[Fault]]:
    """Fill a row's values in.

    Args:
        template: a prompt, perhaps with placeholders.
        values: what is there, by name in lower case, without the prefix ``meta.``.
        names: what could be there: the columns that the file has.
        check: what else must hold for a value.

    Returns:
        The text, and what is wrong; a text with faults is not to be used.
    """
    names = tuple(names)
    faults: list[Fault] = []
    length = len(template)

    def replaced(place: "re.Match[str]") -> str:
        nonlocal length
        text = _filled(place, values, names, check)
        if isinstance(text, Fault):
            faults.append(text)
            return ""
        length += len(text)
        return text if length <= MAX_FILLED_CHARACTERS else ""

    filled = _places(names).sub(replaced, template)
    if length > MAX_FILLED_CHARACTERS:
        reason = f"the filled prompt has more than {MAX_FILLED_CHARACTERS:,} characters"
        faults.append(Fault("prompt", reason, "shorten what is filled in"))
    return filled, list(dict.fromkeys(faults))


def check_template(template: str, names: Iterable[str]) -> list[Fault]:
    """Return a template's faults for any row: columns that the file does not have, braces that do not match."""
    known = tuple(names)
    return fill(template, dict.fromkeys(known, "x"), known)[1]


def escape(text: str, names: Iterable[str] = ()) -> str:
    """Write a sent prompt so that reading it again sends the same: double the braces around names.

    More opening than closing braces around a name cannot be written so; reading it again refuses it.

    Args:
        text: the prompt.
        names: the columns of the file in which it is written.
    """
    return _places(tuple(names)).sub(
        lambda place: f"{place[1] * 2}{place[2]}{place[3]}{'}' * min(map(len, place.group(1, 3)))}", text
    )


@lru_cache(64)
def _places(names: tuple[str, ...]) -> "re.Pattern[str]":
    """Return the pattern of placeholders: names of the usual kind, and the file's own, such as ``{Body (HTML)}``."""
    odd = [name for name in names if name and not re.fullmatch(_NAME, name) and not re.search(r"[{}\n]", name)]
    if not odd:
        return _PLACE
    own = "|".join(re.escape(name) for name in sorted(odd, key=len, reverse=True))
    return re.compile(rf"(?<!\{{)(\{{++)((?:{re.escape(META)})?(?:{own})|{_NAME})(\}}++)", re.IGNORECASE)


def _surplus(place: "re.Match[str]") -> str:
    """Return the closing braces beyond the opening ones: {"a": {x}} is a placeholder and one more brace."""
    return "}" * (len(place[3]) - len(place[1]))


def _filled(
    place: "re.Match[str]", values: Mapping[str, str], names: tuple[str, ...], check: Check | None
) -> str | Fault:
    left, right = len(place[1]), len(place[3])
    if left > right:
        remedy = (
            f"write {{{shown(place[2])}}} to have it filled in, or {{{{{shown(place[2])}}}}} for the braces themselves"
        )
        return Fault("prompt", f"the braces around {shown(place[2])} do not match", remedy)
    outer = "{" * (left // 2), "}" * (left // 2) + _surplus(place)
    if left % 2 == 0:
        return f"{outer[0]}{place[2]}{outer[1]}"
    name = _plain(place[2])
    if value := values.get(name):
        fault = check(META + name, value) if check else None
        return fault or f"{outer[0]}{value}{outer[1]}"
    return _missing(name, names)


def _missing(name: str, names: tuple[str, ...]) -> Fault:
    if name in names:
        reason = f"{META}{shown(name)} is empty, but the prompt needs it for {{{shown(name)}}}"
        return Fault(f"{META}{shown(name)}", reason, "fill the cell")
    if name == "prompt":
        remedy = "give the text by --template, or write {{prompt}} for the braces themselves"
        return Fault("prompt", "there is nothing to put in place of {prompt}", remedy)
    near = get_close_matches(name, names, n=1)
    guess = f"did you mean {{{near[0]}}}? Otherwise " if near else ""
    remedy = f"{guess}add the column, or write {{{{{shown(name)}}}}} for the braces themselves"
    return Fault("prompt", f"there is no column {META}{shown(name)} for {{{shown(name)}}}", remedy)


def _plain(name: str) -> str:
    return name.lower().removeprefix(META).strip()
