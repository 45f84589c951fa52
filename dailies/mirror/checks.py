"""Compares a downloaded video with what was ordered and paid. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from dailies.ledger.entry import LedgerEntry
from dailies.mirror.probe import Footage
from dailies.mirror.target import Content

# Models make whole pictures at their own rate: six seconds may come as 141 pictures at 24 a second, 5.875 s.
SHORTEST_BY_S = 0.25
# Sound comes in blocks, and encoders leave out silence at the end.
SHORTEST_SOUND_BY_S = 1.0
# Encoders want even sizes: 832 x 480 is sold as 16:9 and is 2.5 % off.
RATIO_WITHIN = 0.03


@dataclass(frozen=True, slots=True)
class Download:
    """A video as the storage delivered it.

    Attributes:
        content: the bytes received.
        content_type: the storage's content type, without parameters.
        etag: the storage's ETag, without quotes, in lower case; empty if there is none.
    """

    content: Content
    content_type: str
    etag: str


def find_shortfalls(entry: LedgerEntry, download: Download, footage: Footage) -> tuple[str, ...]:
    """Return a message for each point in which a video falls short of what was ordered and paid."""
    return (*_of_transfer(download), *_of_footage(entry, footage))


def _of_transfer(download: Download) -> Iterator[str]:
    if not download.content_type.startswith("video/"):
        yield f"the storage calls it {download.content_type or 'nothing'}, not a video"
    # The ETag is the MD5 of the content, or, of a large object, something of another form, which says nothing.
    md5 = download.content.md5
    if len(download.etag) == len(md5) and download.etag != md5:
        yield f"its content is damaged: MD5 {md5}, but its ETag says {download.etag}"


def _of_footage(entry: LedgerEntry, footage: Footage) -> Iterator[str]:
    if footage.fault is not None:
        yield footage.fault
        if footage.content_type is None:
            return
    paid_s = entry.duration_s or 0
    if footage.readable_s < paid_s - SHORTEST_BY_S:
        claims = f" (it claims {footage.claimed_s:.2f} s)" if footage.claimed_s > footage.readable_s + 0.1 else ""
        yield f"it lasts {footage.readable_s:.2f} s{claims}, but {paid_s} s were paid"
    if entry.audio and not footage.has_audio:
        yield f"it has no sound, but {entry.model} is paid with sound"
    elif entry.audio and footage.sound_s < paid_s - SHORTEST_SOUND_BY_S:
        yield f"its sound lasts {footage.sound_s:.2f} s, but {paid_s} s were paid"
    if not _has_ratio(entry.aspect_ratio, footage):
        yield f"it is {footage.width} x {footage.height}, but {entry.aspect_ratio} was ordered"


def _has_ratio(ordered: str | None, footage: Footage) -> bool:
    across, _, down = (ordered or "").partition(":")
    if not (across.isdecimal() and down.isdecimal() and int(down) and footage.height):
        return True
    wanted = int(across) / int(down)
    return abs(footage.width / footage.height - wanted) <= RATIO_WITHIN * wanted
