"""Draws a video's first picture that shows something. Runs in a child process with limits."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import av
from PIL import Image, ImageStat

from dailies.system.media import open_media

FUNCTION = f"{__name__}:draw_first_picture"
WIDTH_PX, HEIGHT_PX = 256, 256
QUALITY = 45
_DULL = 4.0
_PATIENCE = 24


def draw_first_picture(path: str) -> str | None:
    """Return the picture as WebP in base64; None if there is none."""
    try:
        with open_media(Path(path)) as film:
            picture = _find_picture(film.decode(film.streams.video[0]))
    except (av.FFmpegError, IndexError, ValueError, OSError):
        return None
    if picture is None:
        return None
    content = io.BytesIO()
    picture.save(content, "WEBP", quality=QUALITY, method=4)
    return base64.b64encode(content.getvalue()).decode()


def _find_picture(frames: Iterator[av.VideoFrame]) -> Image.Image | None:
    picture = None
    for number, frame in enumerate(frames):
        picture = _small(frame)
        if number >= _PATIENCE or _shows_something(picture):
            break
    return picture


def _small(frame: av.VideoFrame) -> Image.Image:
    """Return a frame that fits into the thumbnail; it is made small before it becomes a picture."""
    scale = min(WIDTH_PX / frame.width, HEIGHT_PX / frame.height, 1.0)
    width, height = max(round(frame.width * scale), 1), max(round(frame.height * scale), 1)
    picture: Image.Image = frame.to_image(width=width, height=height)  # type: ignore[no-untyped-call]
    return picture


def _shows_something(picture: Image.Image) -> bool:
    return max(ImageStat.Stat(picture.resize((32, 32))).stddev) > _DULL
