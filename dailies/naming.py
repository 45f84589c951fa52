"""What the results and the report of some prompts are called: no two sources share a file."""

import hashlib
import os
import re
from pathlib import Path


def name_of(sources: tuple[str, ...]) -> str:
    """A file's name without its endings: short for a CSV of the working folder (``a.csv``: ``a``), else with a mark.

    The mark is eight digits of a hash of the sources' whole names: two folders may each have a ``p.csv``, and
    ``p.xlsx`` may stand beside it.

    Args:
        sources: labels of sources (``a.csv``, ``clients/a.csv``, ``book.xlsx#Night``, a URL), at least one.
    """
    place, mark, sheet = sources[0].partition("#")
    stem = re.sub(r"(?<=.)\.\w+(?=\?|$)", "", place.rpartition("/")[2])
    name = re.sub(r'[/\\:*?"<>|\0]', "-", f"{stem}{mark}{sheet}")
    whole = tuple(map(_whole_name, sources))
    if whole == (f"{name}.csv",):
        return name
    more = f"+{len(sources) - 1}" if len(sources) > 1 else ""
    return f"{name}{more}-{hashlib.sha256(repr(whole).encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def _whole_name(source: str) -> str:
    """Relative to the working folder for what lies in it: the same where that folder is mounted elsewhere."""
    if "://" in source:
        return source
    here = Path.cwd()
    path = Path(os.path.normpath(here / source))
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()
