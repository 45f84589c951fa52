"""Names copied videos: readable, the same at every run, and always inside the target. Pure."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from dailies.ledger.entry import LedgerEntry

LONGEST_PART = 80
_SHORTEST_JOB = 8  # a shorter id might be part of another name by chance
_OTHER = re.compile(r"[^A-Za-z0-9._-]+")
_EDGES = ".-_"
_LONGEST_TEXT = 4_000  # of what a name is made of: ordering very many accents takes its square in time
_SUFFIXES = (".mp4", ".webm", ".mov")
# Names that Windows keeps for devices, whatever their suffix.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def plain_name(text: str) -> str:
    """Return a text as one part of a path: letters, digits, ``.``, ``_`` and ``-``, never a dot segment.

    Accents are dropped and other unusual characters become dashes, so that every file system and bucket takes the
    name. It is empty if nothing is left.
    """
    folded = unicodedata.normalize("NFKD", text[:_LONGEST_TEXT])
    letters = "".join(character for character in folded if not unicodedata.combining(character))
    name = _OTHER.sub("-", letters).strip(_EDGES)[:LONGEST_PART].strip(_EDGES)
    return f"file-{name}" if _DEVICES.fullmatch(name) else name


def video_name(entry: LedgerEntry, by: str | None = None, *, with_job: bool = False) -> str:
    """Return ``<folder>/<id or row>-<model>-take-<take>.mp4``.

    Args:
        entry: a completed one.
        by: the ``meta.`` column that names the folder. Without it, or where it is empty, the file of prompts does.
        with_job: whether the job's id is part of the name, so that no other ledger's video can have it.
    """
    group = plain_name(entry.metadata.get(by, "")) if by else ""
    folder = group or plain_name(PurePosixPath(entry.source).stem) or "videos"
    row = plain_name(entry.prompt_id or "") or f"row-{entry.source_line}"
    model = plain_name((entry.model or "").rpartition("/")[2]) or "model"
    job = f"-{_job(entry)}" if with_job else ""
    return f"{folder}/{row}-{model}-take-{entry.take}{job}{_suffix(entry.video_url)}"


def has_job(name: str, entry: LedgerEntry) -> bool:
    """Return whether a name holds the entry's job id."""
    return _job(entry) in name


def name_videos(
    entries: Iterable[LedgerEntry], known: Mapping[str, str], by: str | None = None, *, with_job: bool = False
) -> dict[str, str]:
    """Return a name for each job. No two names are equal, even when case is ignored.

    Args:
        entries: completed ones, in the ledger's order.
        known: names of earlier runs by job id; they stay.
        by: as in ``video_name``.
        with_job: as in ``video_name``.
    """
    names = dict(known)
    taken = {name.casefold() for name in names.values()}
    for entry in entries:
        job_id = entry.job_id or ""
        if job_id not in names:
            name = video_name(entry, by, with_job=with_job)
            names[job_id] = other_name(name, entry) if name.casefold() in taken else name
            taken.add(names[job_id].casefold())
    return names


def other_name(name: str, entry: LedgerEntry) -> str:
    """Return the name of a video whose first name is taken: it holds the attempt's key."""
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}-{entry.row_key.replace('-', '')[:12]}-{entry.attempt}{dot}{suffix}"


def _job(entry: LedgerEntry) -> str:
    """Return the job's id if it can stand in a name as it is, else a hash of it."""
    job_id = entry.job_id or ""
    digest = hashlib.sha256(job_id.encode()).hexdigest()[:32]
    return job_id if plain_name(job_id) == job_id and len(job_id) >= _SHORTEST_JOB else digest


def _suffix(url: str | None) -> str:
    path = (url or "").partition("#")[0].partition("?")[0].lower()
    return next((suffix for suffix in _SUFFIXES if path.endswith(suffix)), ".mp4")
