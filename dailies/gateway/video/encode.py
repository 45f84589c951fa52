"""Encodes a scene as a real MP4: H.264 (yuv420p, faststart) and, for models with audio, AAC."""

import math
from array import array
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from dailies.gateway.video.picture import draw_frames
from dailies.gateway.video.scene import Scene

FRAMES_PER_SECOND = 12
SAMPLES_PER_SECOND = 22_050
SAMPLES_PER_FRAME = 1_024


def render_scene(scene: Scene, path: Path) -> None:
    """Write the video of a scene: exactly ``duration_s`` long, in the exact aspect ratio."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as film:
        picture = _add_picture(film, scene)
        sound = _add_sound(film) if scene.audio else None
        _encode_picture(film, picture, scene)
        if sound is not None:
            _encode_sound(film, sound, scene)


def _add_picture(film: OutputContainer, scene: Scene) -> VideoStream:
    stream = film.add_stream("libx264", rate=FRAMES_PER_SECOND)
    stream.width, stream.height = scene.size_px
    stream.pix_fmt = "yuv420p"
    stream.options = {"preset": "veryfast", "crf": "30"}
    # One thread each: frames this small gain nothing from more, and the sandbox shares its machine.
    stream.codec_context.thread_count = 1
    return stream


def _add_sound(film: OutputContainer) -> AudioStream:
    stream = film.add_stream("aac", rate=SAMPLES_PER_SECOND)
    stream.codec_context.layout = "mono"
    stream.codec_context.bit_rate = 32_000
    return stream


def _encode_picture(film: OutputContainer, stream: VideoStream, scene: Scene) -> None:
    for number, image in enumerate(draw_frames(scene, scene.duration_s * FRAMES_PER_SECOND)):
        frame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
        frame.pts = number
        frame.time_base = Fraction(1, FRAMES_PER_SECOND)
        film.mux(stream.encode(frame))
    film.mux(stream.encode(None))


def _encode_sound(film: OutputContainer, stream: AudioStream, scene: Scene) -> None:
    """Encode a quiet hum whose pitch comes from the scene."""
    # Whole turns in a frame, so that the same frame can follow itself without a click.
    turns = 5 + int(scene.digest[:2], 16) % 12
    angles = (2 * math.pi * turns * n / SAMPLES_PER_FRAME for n in range(SAMPLES_PER_FRAME))
    hum = array("f", (0.1 * math.sin(angle) for angle in angles))
    total = scene.duration_s * SAMPLES_PER_SECOND
    for start in range(0, total, SAMPLES_PER_FRAME):
        samples = hum[: total - start]
        frame = av.AudioFrame(format="fltp", layout="mono", samples=len(samples))
        frame.planes[0].update(samples.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
        frame.sample_rate = SAMPLES_PER_SECOND
        frame.pts = start
        frame.time_base = Fraction(1, SAMPLES_PER_SECOND)
        film.mux(stream.encode(frame))
    film.mux(stream.encode(None))
