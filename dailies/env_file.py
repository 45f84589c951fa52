"""The file ``.env``, read strictly: a cap that is written there must hold, or the run must not start.

``python-dotenv`` skips what it cannot read; here every such line is a fault with its number.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from io import StringIO
from pathlib import Path

from dotenv.parser import Binding, parse_stream

PREFIX = "DAILIES"
ENCODING = "utf-8-sig"
_BOM = "\ufeff"
_NAME = re.compile(r"\w[\w.-]*", re.ASCII)
_BURIED = re.compile(rf"^\s*(?:export\s+)?{PREFIX}[\w-]*\s*=", re.MULTILINE | re.IGNORECASE | re.ASCII)
_VARIABLE = re.compile(r"\$\{(\w+)\}", re.ASCII)


@dataclass(frozen=True, slots=True)
class EnvLine:
    """One assignment of the file: the line on which its name stands, the name as it is written, and the value."""

    line: int
    name: str
    value: str


def env_faults(path: Path, environment: Collection[str], known: Collection[str]) -> list[str]:
    """Return what is wrong with the file's lines and with the names of variables, each fault with its remedy.

    Args:
        path: the file; one that does not exist has no faults.
        environment: the names of the process's variables.
        known: the names of all settings' variables, in capitals.

    Raises:
        OSError, UnicodeDecodeError: the file cannot be read.
    """
    text = path.read_text(ENCODING) if path.is_file() else ""
    assignments: list[EnvLine] = []
    faults: list[str] = []
    for binding in parse_stream(StringIO(text)):
        line = _line_of(binding)
        if fault := _fault(binding):
            faults.append(f"{path} line {line}: {fault}")
        elif binding.key is not None:
            assignments.append(EnvLine(line, binding.key, binding.value or ""))
    faults += (f"{path} line {one.line}: {fault}" for one in assignments if (fault := _wrong_name(one.name, known)))
    faults += (f"{path} {fault}" for fault in _lost_values(assignments, environment, known))
    faults += (fault for name in sorted(environment) if (fault := _wrong_name(name, known)))
    return faults


def _line_of(binding: Binding) -> int:
    """Return the line of a binding's first character that is no white space."""
    text = binding.original.string
    blank = text[: len(text) - len(text.lstrip())]
    return binding.original.line + len(re.findall(r"\r\n|\n|\r", blank))


def _fault(binding: Binding) -> str | None:
    """Return why a line is neither blank, a comment nor an assignment; None if it is one of these."""
    text = binding.original.string
    if binding.error or (binding.key is not None and binding.value is None):
        if not text.strip():
            return None
        opened = re.search(r"=\s*(['\"])", text)
        if opened and text.count(opened[1]) % 2:
            return f"the quote {opened[1]} is not closed; close it, or remove it"
        return "this is no assignment; write NAME=value, or begin the line with # to make it a comment"
    if binding.key is not None and not _NAME.fullmatch(binding.key.strip(_BOM)):
        return "this name holds a character that no name has; write NAME=value"
    following = text.lstrip().splitlines()[1:]
    if following and (buried := _BURIED.search("\n".join(following))):
        name = buried[0].strip().rstrip("=").strip()
        return f"the quoted value that begins here holds a line that sets {name}; close the quote before it"
    return None


def _wrong_name(name: str, known: Collection[str]) -> str | None:
    """Return what is wrong with a name that is meant as one of ours; None where nothing is."""
    meant = name.strip(_BOM).replace("-", "_").upper()
    if name.upper() in known or not (meant.startswith(PREFIX) or meant in known):
        return None
    written = name.strip(_BOM)
    if meant in known:
        hidden = " without the invisible character (a byte order mark) before it" if written != name else ""
        return f"{written} is not read as a setting; write {meant}{hidden}"
    near = get_close_matches(meant.removeprefix(PREFIX).strip("_").lower(), [_short(one) for one in known], n=1)
    remedy = next((f"did you mean {one}?" for one in known if near and _short(one) == near[0]), "remove it")
    return f"{written}: there is no such setting; {remedy}"


def _short(name: str) -> str:
    return name.removeprefix(f"{PREFIX}_").lower()


def _lost_values(assignments: list[EnvLine], environment: Collection[str], known: Collection[str]) -> Iterator[str]:
    """Yield settings that the file sets twice, and values that refer to a variable that is not set."""
    first: dict[str, EnvLine] = {}
    defined = set(environment)
    for one in assignments:
        name = one.name.upper()
        if name in known:
            before = first.setdefault(name, one)
            if before.value != one.value:
                yield f"line {one.line}: {name} is set on line {before.line} already; remove one of the two"
            for variable in _VARIABLE.findall(one.value):
                if variable not in defined:
                    yield f"line {one.line}: {name} refers to ${{{variable}}}, which is not set; set it first"
        defined.add(one.name)
