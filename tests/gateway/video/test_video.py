"""The videos are real: length, size, sound, picture; and each content is rendered once."""

from pathlib import Path

import av
import pytest

from dailies.catalogue import load_catalogue
from dailies.gateway.testing import running_sandbox
from dailies.gateway.video.encode import render_scene
from dailies.gateway.video.picture import has_glyph, load_font, wrap_text
from dailies.gateway.video.scene import Scene

RATIOS = sorted({ratio for model in load_catalogue().values() for ratio in model.aspect_ratios})


def scene(prompt: str = "a fox", ratio: str = "16:9", audio: bool = False, plain: bool = False) -> Scene:
    return Scene(prompt, "fal/kling-2", 3, ratio, audio, plain)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("audio", [False, True])
@pytest.mark.parametrize("ratio", RATIOS)
def test_video_has_exact_length_ratio_and_sound(tmp_path: Path, ratio, audio, plain):
    path = tmp_path / "video.mp4"
    render_scene(scene(ratio=ratio, audio=audio, plain=plain), path)
    with av.open(str(path)) as film:
        picture = film.streams.video[0]
        across, down = (int(part) for part in ratio.split(":"))
        assert picture.width * down == picture.height * across
        assert picture.width % 2 == picture.height % 2 == 0
        assert picture.codec_context.name == "h264"
        assert picture.pix_fmt == "yuv420p"
        assert picture.duration * picture.time_base == 3
        assert film.duration == 3_000_000
        assert [stream.codec_context.name for stream in film.streams.audio] == ["aac"] * audio
        for sound in film.streams.audio:
            assert sound.duration * sound.time_base == 3
        assert sum(1 for _ in film.decode(video=0)) == 36


def test_index_comes_first_so_that_it_plays_while_it_loads(tmp_path: Path):
    path = tmp_path / "video.mp4"
    render_scene(scene(), path)
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_picture_moves(tmp_path: Path):
    path = tmp_path / "video.mp4"
    render_scene(scene(), path)
    with av.open(str(path)) as film:
        frames = [frame.to_ndarray() for frame in film.decode(video=0)]
    assert (frames[0] != frames[-1]).mean() > 0.05


@pytest.mark.parametrize(
    "prompt",
    ["東京の夜" * 200, "مرحبا بالعالم", "🦊" * 4000, "a\0b\x1b[31m\u202e\ufeff", "x" * 4000, "e\u0301" * 50, "<b>&"],
)
def test_any_prompt_can_be_drawn(tmp_path: Path, prompt):
    render_scene(Scene(prompt, "fal/kling-2", 1, "16:9", False, False), tmp_path / "video.mp4")


@pytest.mark.parametrize(
    "text",
    [
        "corazón de café",
        "¿Qué? ¡Niño, pingüino! ÁÉÍÓÚÑÜ",
        "Ελληνικά άέήίόύώ",
        "Съешь ещё этих мягких булок",
        "«Žluťoučký kůň» — €50 …",
        (Path(__file__).parents[3] / "data/prompts/sample.csv").read_text("utf-8"),
    ],
)
def test_no_glyph_is_missing(text: str):
    font = load_font(16)
    assert [letter for letter in text if not letter.isspace() and not has_glyph(font, letter)] == []
    assert "?" not in "".join(wrap_text(text.replace("?", ""), 10_000, 16))


def test_a_letter_that_the_font_does_not_have_is_seen_to_be_missing():
    assert not has_glyph(load_font(16), "\N{CJK UNIFIED IDEOGRAPH-6771}")
    assert wrap_text("\N{CJK UNIFIED IDEOGRAPH-6771} cafe\N{COMBINING ACUTE ACCENT}", 400, 16) == ["? café"]


def test_accents_are_drawn():
    letters = [bytes(load_font(16).getmask(letter)) for letter in ("ó", "o", "ñ", "n", "é", "e")]
    assert len(set(letters)) == 6


def test_long_prompt_is_cut_to_what_fits():
    lines = wrap_text("word " * 800, 400, 16)
    assert len(lines) == 7
    assert lines[-1].endswith("...")
    assert wrap_text("one line", 400, 16) == ["one line"]


def test_same_content_is_rendered_once(tmp_path: Path, finish_all):
    with running_sandbox(tmp_path / "sandbox", plain_video=False) as running:
        urls = finish_all(running, [{"prompt": "fox"}, {"prompt": "fox"}, {"prompt": "hare"}])
        assert len(set(urls)) == 3
        clips = list((running.data_dir / "clips").iterdir())
    assert len(clips) == 2


def test_plain_clips_are_shared_whatever_the_prompt(tmp_path: Path, finish_all):
    with running_sandbox(tmp_path / "sandbox", plain_video=True) as running:
        finish_all(running, [{"prompt": "fox"}, {"prompt": "hare"}, {"prompt": "fox", "duration": 2}])
        clips = list((running.data_dir / "clips").iterdir())
    assert len(clips) == 2


def test_abandoned_drafts_are_removed(tmp_path: Path):
    draft = tmp_path / "sandbox" / "clips" / ".draft-x"
    draft.mkdir(parents=True)
    (draft / "video.mp4").write_bytes(b"half")
    with running_sandbox(tmp_path / "sandbox"):
        assert not draft.exists()
