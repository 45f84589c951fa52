"""Reads what is really inside a video file, whatever its header claims. Runs in a child process with limits."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import av
from av.container import InputContainer

from dailies.system.confined import Confined, ConfinedError
from dailies.system.media import open_media

AV_TIME_BASE = 1_000_000
FUNCTION = f"{__name__}:probe_as_json"
# One call reads, and with ``decode`` decodes, one whole video.
DEADLINE_S = 120.0
# A picture is shown, and a piece of sound heard, for at most so many times the usual time: the rest is a jump.
_JUMP = 4
_WIDEST_PIXEL = 4
_QUICKTIME_BRAND = "qt"


@dataclass(frozen=True, slots=True)
class Footage:
    """What a video file holds.

    Attributes:
        content_type: of the format that the file has; None if it is no video.
        claimed_s: the duration in its header, in seconds.
        readable_s: the sum of the times for which its readable pictures are shown, in seconds.
        sound_s: the sum of the times for which its sound is heard, in seconds.
        width: in pixels, as shown (a pixel need not be square).
        height: in pixels.
        decoded: whether every picture and sound was decoded.
        fault: why it cannot be read or decoded; None if it can.
    """

    content_type: str | None = None
    claimed_s: float = 0.0
    readable_s: float = 0.0
    sound_s: float = 0.0
    width: int = 0
    height: int = 0
    decoded: bool = False
    fault: str | None = None

    @property
    def has_audio(self) -> bool:
        """Whether there is a sound track that is not empty."""
        return self.sound_s > 0


async def probe_confined(readers: Confined, path: Path, *, decode: bool) -> Footage:
    """Probe a file in a child process: what is wrong with it is its own fault only."""
    try:
        return Footage(**await readers.call(str(path), decode))
    except (ConfinedError, TypeError) as error:
        return Footage(fault=str(error))


def probe_as_json(path: str, decode: bool) -> dict[str, Any]:
    """Probe a file, as the child process does it."""
    return asdict(probe_video(Path(path), decode=decode))


def probe_video(path: Path, *, decode: bool = False) -> Footage:
    """Read every packet of a video file: a file that was cut off still claims its full duration.

    ``decode`` also decodes every packet, which finds damage inside the pictures and takes several times as long.
    """
    try:
        with open_media(path) as film:
            return _probe(film, decode=decode)
    except (av.FFmpegError, ValueError, IndexError) as error:
        return Footage(fault=_words(error))


def _probe(film: InputContainer, *, decode: bool) -> Footage:
    picture = film.streams.video[0]
    readable_s, sound_s, fault = _read_through(film, decode=decode)
    return Footage(
        content_type=_content_type(film),
        claimed_s=(film.duration or 0) / AV_TIME_BASE,
        readable_s=readable_s,
        sound_s=sound_s,
        width=round(picture.width * _pixel_shape(picture.sample_aspect_ratio)),
        height=picture.height,
        decoded=decode and fault is None,
        fault=fault,
    )


def _content_type(film: InputContainer) -> str:
    if "matroska" in film.format.name:
        return "video/webm"
    return "video/quicktime" if film.metadata.get("major_brand", "").strip() == _QUICKTIME_BRAND else "video/mp4"


def _pixel_shape(ratio: Any) -> float:
    """Return how wide a pixel is; what no screen has counts as square."""
    return float(ratio) if ratio and 1 / _WIDEST_PIXEL <= ratio <= _WIDEST_PIXEL else 1.0


def _read_through(film: InputContainer, *, decode: bool) -> tuple[float, float, str | None]:
    """Return the times of the pictures and of the sound, and the fault."""
    picture = film.streams.video[0]
    sound = next(iter(film.streams.audio), None)
    times: dict[int, list[tuple[float, float]]] = {picture.index: []}
    if sound is not None:
        times[sound.index] = []
        if sound.codec_context is not None:
            sound.codec_context.options = {"err_detect": "explode"}
    fault = None
    try:
        for packet in film.demux([stream for stream in (picture, sound) if stream is not None]):
            if decode:
                packet.decode()
            if packet.size and packet.pts is not None and not packet.is_discard:
                base = float(packet.time_base)
                times[packet.stream.index].append((packet.pts * base, (packet.duration or 0) * base))
    except (av.FFmpegError, ValueError) as error:
        fault = _words(error)
    return total_s(times[picture.index]), total_s(times[sound.index]) if sound is not None else 0.0, fault


def total_s(times: Iterable[tuple[float, float]]) -> float:
    """Add up how long pictures are shown, or sound is heard.

    Args:
        times: begin and duration of each, in seconds. Each lasts until the next one begins, the last for its duration;
            where timestamps jump, it lasts as long as most do.
    """
    ordered = sorted(times)
    if not ordered:
        return 0.0
    lasts = [later - begin for (begin, _), (later, _) in pairwise(ordered)]
    lasts.append(ordered[-1][1])
    positive = [s for s in lasts if s > 0]
    usual = median(positive) if positive else 0.0
    lasts[-1] = lasts[-1] or usual
    return round(sum(s if s <= _JUMP * usual else usual for s in lasts), 3)


def _words(error: Exception) -> str:
    reason = error.strerror if isinstance(error, av.FFmpegError) else str(error)
    return f"it cannot be read: {reason or type(error).__name__}"
