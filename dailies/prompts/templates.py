"""Templates: a prompt with ``{season}`` in it is filled in from the row's ``meta.season``.

A name in braces is a placeholder; in doubled braces it is sent in single ones: ``{{season}}`` as ``{season}``. Every
other brace is itself, so that prompts in JSON are sent as they stand. What is filled in is not read again.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from dailies.prompts.cells import Fault, shown

META = "meta."
_NAME = r"\w(?:[\w .-]{0,98}\w)?"  # as long as it says: a limit on everything
_PLACE = re.compile(r"(\{+)(" + _NAME + r")(\}+)")


def fill(template: str, values: Mapping[str, str], names: Iterable[str]) -> tuple[str, list[Fault]]:
    """Fill a row's values in.

    Args:
        template: a prompt, perhaps with placeholders.
        values: what is there, by name in lower case, without the prefix ``meta.``.
        names: what could be there: the columns that the file has.

    Returns:
        The text, and what is wrong; a text with faults is not to be used.
    """
    faults: list[Fault] = []

    def replaced(place: "re.Match[str]") -> str:
        text = _filled(place, values, names)
        if isinstance(text, Fault):
            faults.append(text)
            return ""
        return text

    return _PLACE.sub(replaced, template), faults


def check_template(template: str, names: Iterable[str]) -> list[Fault]:
    """What is wrong with a template whatever the row: columns that the file does not have, braces that do not match."""
    known = tuple(names)
    _, faults = fill(template, dict.fromkeys(known, "x"), known)
    return list(dict.fromkeys(faults))


def escape(text: str) -> str:
    """A prompt that was sent, written so that reading it again sends the same: braces around names are doubled.

    More opening than closing braces around a name cannot be written so; reading it again refuses it.
    """
    return _PLACE.sub(lambda place: f"{place[1] * 2}{place[2]}{place[3]}{'}' * min(map(len, place.group(1, 3)))}", text)


def _surplus(place: "re.Match[str]") -> str:
    """Closing braces beyond the opening ones: {"a": {x}} is a placeholder and a brace of its own."""
    return "}" * (len(place[3]) - len(place[1]))


def _filled(place: "re.Match[str]", values: Mapping[str, str], names: Iterable[str]) -> str | Fault:
    left, right = len(place[1]), len(place[3])
    if left > right:
        remedy = f"write {{{place[2]}}} to have it filled in, or {{{{{place[2]}}}}} for the braces themselves"
        return Fault("prompt", f"the braces around {shown(place[2])} do not match", remedy)
    if left % 2 == 0:
        return f"{'{' * (left // 2)}{place[2]}{'}' * (left // 2)}{_surplus(place)}"
    name = _plain(place[2])
    if value := values.get(name):
        return f"{'{' * (left // 2)}{value}{'}' * (left // 2)}{_surplus(place)}"
    return _missing(name, tuple(names))


def _missing(name: str, names: tuple[str, ...]) -> Fault:
    if name in names:
        reason = f"{META}{shown(name)} is empty, but the prompt needs it for {{{shown(name)}}}"
        return Fault(f"{META}{shown(name)}", reason, "fill the cell")
    near = get_close_matches(name, names, n=1)
    guess = f"did you mean {{{near[0]}}}? Otherwise " if near else ""
    remedy = f"{guess}add the column, or write {{{{{shown(name)}}}}} for the braces themselves"
    return Fault("prompt", f"there is no column {META}{shown(name)} for {{{shown(name)}}}", remedy)


def _plain(name: str) -> str:
    return name.lower().removeprefix(META).strip()
