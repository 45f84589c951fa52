"""Opens media files that others made: only video formats, only this file, only so many pixels."""

from pathlib import Path

import av
from av.container import InputContainer

# The largest picture that is decoded: 4096 x 4096 take 24 MB.
MOST_PIXELS = 4096 * 4096
_OPTIONS = {
    # A text that lists other files (ffconcat, HLS) is no video, and nothing but the file itself is opened.
    "format_whitelist": "mov,mp4,matroska,webm",
    "protocol_whitelist": "file",
    "max_pixels": str(MOST_PIXELS),
}


def open_media(path: Path) -> InputContainer:
    """Open a video file for reading.

    Raises:
        av.FFmpegError: it is no MP4, QuickTime, Matroska or WebM file, or damaged.
        ValueError: it has no pictures, no decoder is at hand for them, or they have too many pixels.
    """
    film = av.open(f"file:{path}", "r", options=_OPTIONS, metadata_errors="replace")
    try:
        _check_pictures(film)
    except ValueError:
        film.close()
        raise
    return film


def _check_pictures(film: InputContainer) -> None:
    if not film.streams.video:
        raise ValueError("there is no picture in it")
    picture = film.streams.video[0]
    if picture.codec_context is None:
        raise ValueError("no decoder is at hand for its pictures")
    picture.codec_context.options = _OPTIONS | {"err_detect": "explode"}  # report damage instead of hiding it
    picture.thread_count = 1
    if not 0 < picture.width * picture.height <= MOST_PIXELS:  # FFmpeg gives a size of 0 to what exceeds the limit
        raise ValueError(f"its pictures have no size, or more than {MOST_PIXELS:,} pixels")
