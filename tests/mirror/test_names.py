"""Names of copies: readable, stable, and unable to leave the target."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.mirror.names import name_videos, plain_name, video_name
from tests.factories import completed, make_entry


def shot(prompt: str = "a fox", **changes: object) -> object:
    return completed(make_entry(prompt, **changes), job_id=f"job of {prompt}")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Otoño: clip 1", "Otono-clip-1"),
        ("../../etc/passwd", "etc-passwd"),
        ("..", ""),
        (".hidden", "hidden"),
        ("a/b\\c", "a-b-c"),
        ("COM1.mp4", "file-COM1.mp4"),
        ("夜の海", ""),
        ("x" * 200, "x" * 80),
        ("a\0b\nc", "a-b-c"),
    ],
)
def test_unusual_texts_become_plain_names(text: str, name: str) -> None:
    assert plain_name(text) == name


@given(st.text())
def test_no_text_makes_a_dot_segment_or_leaves_the_alphabet(text: str) -> None:
    name = plain_name(text)
    assert name.isascii()
    assert not name.startswith((".", "-"))
    assert "/" not in name
    assert plain_name(name) == name


def test_the_folder_is_the_file_or_a_column_of_metadata() -> None:
    entry = shot(source="in/autumn.csv", prompt_id="hero", metadata={"campaign": "Día de Muertos"})
    assert video_name(entry) == "autumn/hero-kling-2-take-1.mp4"
    assert video_name(entry, "campaign") == "Dia-de-Muertos/hero-kling-2-take-1.mp4"
    assert video_name(entry, "client") == "autumn/hero-kling-2-take-1.mp4"


def test_the_suffix_is_that_of_the_url_if_it_is_a_videos() -> None:
    assert video_name(completed(make_entry(), video_url="https://s.test/a/video.WEBM?x=1")).endswith(".webm")
    assert video_name(completed(make_entry(), video_url="https://s.test/a/video.php")).endswith(".mp4")


def test_no_name_is_given_twice_and_none_changes_later() -> None:
    one, other = shot("one", prompt_id="hero"), shot("other", prompt_id="HERO")
    given = name_videos([one, other], {})
    assert len({name.casefold() for name in given.values()}) == 2
    assert given["job of one"] == "prompts/hero-kling-2-take-1.mp4"
    assert name_videos([other, one], given) == given
