"""Names of sources of prompts, and of the files that are made of them: no two sources share a file."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

OWNERS_FILE = ".results.json"


def full_name(source: str) -> str:
    """Return a source's identity: its absolute path, with the links of its folder resolved, or its URL."""
    if "://" in source:
        return source
    folder, name = os.path.split(os.path.abspath(source))  # noqa: PTH100 - pathlib would resolve the file's own link
    return str(Path(folder).resolve() / name)


def is_gone(full: str) -> bool:
    """Return whether the file of a full name does not exist any more; a URL always counts as existing."""
    if "://" in full:
        return False
    return not any(os.path.lexists(path) for path in (full, full.partition("#")[0]))


def read_owners(data_dir: Path) -> dict[str, str]:
    """Return whose results the files of a data folder hold, by name; empty where nothing is known."""
    try:
        owners = json.loads((data_dir / OWNERS_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return owners if isinstance(owners, dict) else {}


def owner_of(sources: tuple[str, ...]) -> str:
    """Return what says whose results a file holds: the full names of all its sources."""
    return "\n".join(map(full_name, sources))


def name_of(sources: tuple[str, ...], owners: Mapping[str, str]) -> str:
    """Return the name, without endings, of the files that are made of some sources.

    It is short for a CSV of the working folder (``a.csv``: ``a``), else it has a mark of eight digits, a hash of the
    sources' names relative to that folder: two folders may each have a ``p.csv``, and ``p.xlsx`` may stand beside it.
    If the name belongs to sources of another folder that still exist, the mark is a hash of the full names.

    Args:
        sources: labels of sources (``a.csv``, ``clients/a.csv``, ``book.xlsx#Night``, a URL), at least one.
        owners: whose results the known files hold, by name (``owner_of``).
    """
    name, owner = _name(sources, tuple(map(_whole_name, sources))), owner_of(sources)
    known = owners.get(name, owner)
    if known == owner or any(map(is_gone, known.split("\n"))):
        return name
    return _name(sources, tuple(map(full_name, sources)))


def _name(sources: tuple[str, ...], whole: tuple[str, ...]) -> str:
    place, mark, sheet = sources[0].partition("#")
    stem = re.sub(r"(?<=.)\.\w+(?=\?|$)", "", place.rpartition("/")[2])
    name = re.sub(r'[/\\:*?"<>|\0]', "-", f"{stem}{mark}{sheet}")
    if whole == (f"{name}.csv",):
        return name
    more = f"+{len(sources) - 1}" if len(sources) > 1 else ""
    return f"{name}{more}-{hashlib.sha256(repr(whole).encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def _whole_name(source: str) -> str:
    """Return the path, relative if it lies in the working folder: the same where that is mounted elsewhere."""
    if "://" in source:
        return source
    here = Path.cwd()
    path = Path(os.path.normpath(here / source))
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()
