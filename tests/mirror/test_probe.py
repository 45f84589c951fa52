"""What a file holds is found out from its content, and a hostile one costs no more than an honest one."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from dailies.mirror.probe import Footage, probe_video, total_s
from dailies.mirror.record import CopyStatus
from dailies.system.media import MOST_PIXELS, open_media
from tests.mirror.conftest import Run
from tests.mirror.film import FilmServer, film

RATE = 24


def make_film(path: Path, pictures: int, *, shift: Any = lambda number: number, codec: str = "mpeg4") -> Path:
    """A video without sound whose n-th picture has the time ``shift(n)``, in pictures."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        stream.codec_context.time_base = Fraction(1, RATE)
        for number in range(pictures):
            frame = av.VideoFrame(64, 36, "yuv420p")
            frame.pts, frame.time_base = shift(number), Fraction(1, RATE)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    "shift",
    [
        lambda number: number,
        lambda number: number + 1_000 * RATE,
        lambda number: number + (0 if number < 60 else 3600 * RATE),
        lambda number: number + 40 * RATE * (number // 30),
    ],
    ids=["plain", "begins late", "jumps once", "jumps often"],
)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_video_lasts_as_long_as_its_pictures_are_shown(tmp_path: Path, shift: Any, suffix: str) -> None:
    footage = probe_video(make_film(tmp_path / f"film{suffix}", 4 * RATE, shift=shift))
    assert footage.fault is None
    assert footage.readable_s == pytest.approx(4.0, abs=0.05)


def test_sound_is_added_up_in_the_same_way() -> None:
    assert total_s([]) == 0.0
    assert total_s([(7.0, 0.5)]) == 0.5
    assert total_s([(number * 0.5 + (100 if number > 3 else 0), 0.5) for number in range(8)]) == 4.0
    assert total_s([(0.0, 0.0), (0.5, 0.0), (1.0, 0.0)]) == 1.5


async def test_sound_that_ends_early_is_found(films: FilmServer, mirror: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def beginning(*_: Any, **__: Any) -> Footage:
        return Footage("video/mp4", 8.0, 8.0, 0.2, 1280, 720)

    monkeypatch.setattr("dailies.mirror.copier.probe_confined", beginning)
    copied, _ = await mirror(films.make_video(1, film(8), model="google/veo-3.1", duration_s=8))
    assert copied[0].problems == ("its sound lasts 0.20 s, but 8 s were paid",)


@pytest.mark.parametrize(
    "text",
    ["ffconcat version 1.0\nfile 'film.mp4'\n", "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfilm.mp4\n"],
    ids=["ffconcat", "HLS"],
)
def test_a_text_that_lists_other_files_is_no_video(tmp_path: Path, text: str) -> None:
    (tmp_path / "film.mp4").write_bytes(film())
    (tmp_path / "list.mp4").write_text(text)
    assert probe_video(tmp_path / "film.mp4").content_type == "video/mp4"
    assert probe_video(tmp_path / "list.mp4").content_type is None


def test_pictures_of_too_many_pixels_are_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "large.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 8000, 4000, "yuv420p"
        out.mux(stream.encode(av.VideoFrame(8000, 4000, "yuv420p")))
        out.mux(stream.encode())
    assert MOST_PIXELS < 8000 * 4000
    with pytest.raises((ValueError, av.FFmpegError)):
        open_media(path)
    assert probe_video(path, decode=True).fault is not None


def without_decoder(content: bytes) -> bytes:
    """A video whose pictures have a format that nothing decodes."""
    return content.replace(b"avc1", b"zzzz")


async def test_a_stream_without_a_decoder_is_that_videos_problem_only(films: FilmServer, mirror: Run) -> None:
    copied, _ = await mirror(films.make_video(1, without_decoder(film())), films.make_video(2), films.make_video(3))
    assert [video.status for video in copied] == [CopyStatus.MISSING, CopyStatus.COPIED, CopyStatus.COPIED]
    assert "no decoder" in copied[0].problems[0]


async def test_whatever_happens_to_one_video_the_others_are_copied(
    films: FilmServer, mirror: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(entry: Any, *_: Any) -> tuple[str, ...]:
        if entry.source_line == 2:
            raise RuntimeError("odd")
        return ()

    monkeypatch.setattr("dailies.mirror.copier.find_shortfalls", odd)
    copied, _ = await mirror(films.make_video(1), films.make_video(2))
    assert [video.status for video in copied] == [CopyStatus.MISSING, CopyStatus.COPIED]


async def test_only_the_format_of_the_content_says_what_is_stored(
    films: FilmServer, mirror: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = []

    async def put(self: Any, name: str, draft: Path, content_type: str, *_: Any, **__: Any) -> bool:
        stored.append(content_type)
        return True

    monkeypatch.setattr("dailies.mirror.targets.folder_target.FolderTarget.put", put)
    entry = films.make_video(1)
    films.headers["/generated-videos/org/job-1/video.mp4"] = {"content-type": "text/html"}
    await mirror(entry)
    assert stored == ["video/mp4"]
