"""How to read sources of prompts: the options that a command, a deployment or a library hands to the reader."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self

from dailies.errors import InputError, RowError
from dailies.prompts.cells import COLUMNS, META, shown

Others = Literal["refuse", "meta", "ignore"]
Encoding = Literal["utf-8", "cp1252", "latin-1"]
AUTO = "auto"

_PAIR = re.compile(r'\s*(?P<target>[^=,]+?)\s*=\s*(?P<name>"(?:[^"]|"")*"|[^,]*?)\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Options of reading; ``docs/prompts.md`` explains each one.

    Attributes:
        template: Prompt of rows without one; {x} is meta.x.
        columns: Names of columns: prompt=Text,model=Engine; or auto.
        others: What to do with other columns: refuse, meta, ignore.
        skip_bad_rows: Leave out rows that cannot be read.
        lines: Each line of the file is a prompt.
        no_header: The first row is no header; columns are 1, 2, 3.
        comment: Leave out lines that begin with this.
        encoding: How the text is encoded, if not in UTF-8 or UTF-16.
        allow_error_texts: Take #REF!, nan and the like as texts.
    """

    template: str | None = None
    columns: str = ""
    others: Others = "refuse"
    skip_bad_rows: bool = False
    lines: bool = False
    no_header: bool = False
    comment: str = ""
    encoding: Encoding = "utf-8"
    allow_error_texts: bool = False

    @classmethod
    def chosen(cls, arguments: Mapping[str, Any], **more: Any) -> Self:
        """Pick the options out of a function's arguments (``locals()``); every other argument is ignored."""
        given = {**arguments, **more}
        return cls(**{field.name: given[field.name] for field in fields(cls) if field.name in given})

    @property
    def is_auto(self) -> bool:
        """Whether the reader may find the columns by itself."""
        return self.columns.strip().lower() == AUTO

    def words(self) -> list[str]:
        """Return the options as words of a command line, without defaults."""
        words: list[str] = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value not in (field.default, "", None):
                words += [f"--{field.name.replace('_', '-')}", *([] if value is True else [str(value)])]
        return words


AS_WRITTEN = ReadOptions()
"""The options of a source that Dailies' own pages describe."""


def read_mapping(text: str) -> tuple[tuple[str, str], ...]:
    """Read ``prompt="Video Prompt",model=Engine`` into pairs of a known column and a name in the header.

    Raises:
        InputError: it is no such list, or names a column that does not exist.
    """
    if not text.strip() or text.strip().lower() == AUTO:
        return ()
    pairs: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        if (found := _PAIR.match(text, at)) is None or not (name := _unquoted(found["name"])):
            raise _refuse(f"{shown(text[at:])} is not of the form column=name")
        target = found["target"].lower()
        if target not in COLUMNS and not (target.startswith(META) and len(target) > len(META)):
            raise _refuse(f"there is no column {shown(target)}; the columns are {', '.join(COLUMNS)} and meta.<name>")
        pairs.append((target, name))
        at = found.end()
    return tuple(pairs)


def write_mapping(pairs: dict[str, str]) -> str:
    """Write what ``read_mapping`` reads."""
    return ",".join(f"{target}={_quoted(name)}" for target, name in pairs.items())


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if len(name) > 1 and name[0] == name[-1] == '"' else name.strip()


def _quoted(name: str) -> str:
    if "," in name or name[:1] == '"' or name != name.strip():
        return '"' + name.replace('"', '""') + '"'
    return name


def _refuse(reason: str) -> InputError:
    return InputError((RowError("--columns", None, None, reason, "write --columns prompt=Text,model=Engine"),))
