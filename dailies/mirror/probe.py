"""Reads what is really inside a video file, whatever its header claims. Every function blocks: run it in a thread."""

from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer

AV_TIME_BASE = 1_000_000


@dataclass(frozen=True, slots=True)
class Footage:
    """What a video file holds.

    Attributes:
        claimed_s: the duration in its header, in seconds.
        readable_s: the end of the last picture that can be read, in seconds.
        width: in pixels, as shown (a pixel need not be square).
        height: in pixels.
        has_audio: whether there is a sound track that is not empty.
        decoded: whether every picture and sound was decoded.
        fault: why it cannot be read or decoded; None if it can.
    """

    claimed_s: float = 0.0
    readable_s: float = 0.0
    width: int = 0
    height: int = 0
    has_audio: bool = False
    decoded: bool = False
    fault: str | None = None


def probe_video(path: Path, *, decode: bool = False) -> Footage:
    """Read every packet of a video file: a file that was cut off still claims its full duration.

    ``decode`` also decodes every packet, which finds damage inside the pictures and takes several times as long.
    """
    try:
        with av.open(str(path)) as film:
            return _probe(film, decode=decode)
    except (av.FFmpegError, ValueError, IndexError) as error:
        return Footage(fault=_words(error))


def _probe(film: InputContainer, *, decode: bool) -> Footage:
    if not film.streams.video:
        return Footage(fault="there is no picture in it")
    picture = film.streams.video[0]
    shape = picture.sample_aspect_ratio or 1
    claimed_s = (film.duration or 0) / AV_TIME_BASE
    readable_s, sound_packets, fault = _read_through(film, decode=decode)
    return Footage(
        claimed_s=claimed_s,
        readable_s=readable_s,
        width=round(picture.width * shape),
        height=picture.height,
        has_audio=sound_packets > 0,
        decoded=decode and fault is None,
        fault=fault,
    )


def _read_through(film: InputContainer, *, decode: bool) -> tuple[float, int, str | None]:
    """Return the end of the last readable picture, the number of sound packets, and the fault."""
    picture = film.streams.video[0]
    readable_s, sound_packets = 0.0, 0
    for stream in (*film.streams.video, *film.streams.audio):
        stream.codec_context.options = {"err_detect": "explode"}  # report damage instead of hiding it
    try:
        for packet in film.demux(*film.streams.video, *film.streams.audio):
            if decode:
                packet.decode()
            if packet.size and packet.stream is picture and packet.pts is not None:
                readable_s = max(readable_s, float((packet.pts + (packet.duration or 0)) * packet.time_base))
            sound_packets += bool(packet.size and packet.stream.type == "audio")
    except av.FFmpegError as error:
        return readable_s, sound_packets, _words(error)
    return readable_s, sound_packets, None


def _words(error: Exception) -> str:
    reason = error.strerror if isinstance(error, av.FFmpegError) else str(error)
    return f"it cannot be read: {reason or type(error).__name__}"
