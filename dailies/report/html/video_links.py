"""Finds each video for a report: the user's own copy if there is one, else the service's URL."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from dailies.ledger.entry import LedgerEntry
from dailies.mirror.record import CopyStatus, MirroredVideo
from dailies.system.network import is_web_url


@dataclass(frozen=True, slots=True)
class VideoSource:
    """One finished video.

    Attributes:
        link: what a browser opens: a path relative to the report, or a URL.
        path: the copy on this machine; None if there is none.
        url: the web address of the video or the copy; None if a browser should not open it.
        identity: the same for the same content.
    """

    link: str
    path: Path | None
    url: str | None
    identity: str


def find_videos(
    entries: Iterable[LedgerEntry], mirrored: Iterable[MirroredVideo], report: Path
) -> Mapping[str, VideoSource]:
    """Find the videos of completed entries by job id. Only web addresses and files become links.

    Args:
        entries: any.
        mirrored: what the mirror's records say.
        report: the path of the report; copies next to it or below it get relative links.
    """
    copies = {video.job_id: video for video in mirrored if video.status is CopyStatus.COPIED and video.address}
    found = {}
    for entry in entries:
        source = _source(entry, copies.get(entry.job_id or ""), report)
        if entry.job_id and source is not None:
            found[entry.job_id] = source
    return found


def _source(entry: LedgerEntry, copy: MirroredVideo | None, report: Path) -> VideoSource | None:
    identity = f"{entry.job_id} {entry.video_url}"
    if copy is not None and copy.address:
        path = Path(copy.address)
        if path.is_absolute() and path.is_file():
            return VideoSource(_link(path, report), path, None, identity)
        if is_web_url(copy.address):
            return VideoSource(copy.address, None, copy.address, identity)
    if entry.video_url and is_web_url(entry.video_url):
        return VideoSource(entry.video_url, None, entry.video_url, identity)
    return None


def _link(path: Path, report: Path) -> str:
    """Link a copy below or next to the report's folder by a relative path, so that both can be moved together."""
    here = report.resolve().parent
    for base, way in ((here, ""), (here.parent, "../"), (here.parent.parent, "../../")):
        if path.is_relative_to(base) and base != base.parent:
            relative = path.relative_to(base).as_posix()
            return way + "/".join(quote(part) for part in relative.split("/"))
    return path.as_uri()
