"""The row key is a promise: finished rows are recognised by it for ever."""

import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dailies.prompts.row_key import NAMESPACE, normal_text, rejected_key, row_key

GOLDEN = [
    (("A fox in the snow", "fal/kling-2", 5, "16:9", 1), "031ff6cb-5c2b-5ed2-9e88-8c00821e920c"),
    (("A fox in the snow", "fal/kling-2", 5, "16:9", 2), "bc5fe1b8-ec95-5d90-a34d-70db789fc433"),
    (("A fox in the snow", "fal/kling-2", 10, "16:9", 1), "5aabc8c2-31fe-54e4-bbeb-8bf482b8b4d1"),
    (("A fox in the snow", "fal/kling-2", 5, "9:16", 1), "ee29ca98-5967-514a-a022-2226b7d870d6"),
    (("A fox in the snow", "google/veo-3.1", 8, "16:9", 1), "a7007bdd-288d-5596-8a68-4f292a190645"),
    (("Una niña corre\ncon un papalote 🪁", "fal/kling-2", 5, "1:1", 1), "9ad76551-c7a1-5263-ba75-720f15d0228f"),
]


@pytest.mark.parametrize(("request_", "key"), GOLDEN)
def test_keys_never_change(request_: tuple[str, str, int, str, int], key: str) -> None:
    """If this fails, every bought row would be bought again: do not change the expectation."""
    assert row_key(*request_) == key


def test_key_of_a_rejected_row_never_changes() -> None:
    assert rejected_key("shots.csv", 3, ("", "12")) == "3f65242a-b5b9-5ed7-9203-fbed6a891028"


@pytest.mark.parametrize("text", ["ﬁlm", "x² + ½", "Ⅳ", "①②", "カﾒﾗ", "…", "№ 5"])
def test_what_only_looks_alike_stays_another_text(text: str) -> None:
    """NFC, not NFKC: a provider draws ² and 2 differently, so they are two requests."""
    assert normal_text(text) == text


def test_two_ways_to_write_one_letter_are_one_text() -> None:
    assert normal_text("cafe\u0301 nin\u0303o") == "caf\u00e9 ni\u00f1o"


@settings(deadline=None)
@given(st.text(), st.integers(1, 10), st.integers(1, 10**6))
def test_key_is_the_uuid5_of_the_documented_form(prompt: str, duration_s: int, take: int) -> None:
    form = "\x1f".join(["dailies.row.1", "fal/kling-2", str(duration_s), "16:9", str(take), prompt])
    assert row_key(prompt, "fal/kling-2", duration_s, "16:9", take) == str(uuid.uuid5(NAMESPACE, form))


@settings(deadline=None)
@given(st.lists(st.text()), st.lists(st.text()))
def test_rejected_rows_with_other_cells_have_other_keys(cells: list[str], others: list[str]) -> None:
    same = rejected_key("a.csv", 2, tuple(cells)) == rejected_key("a.csv", 2, tuple(others))
    assert same == (cells == others)


def test_rejected_rows_of_other_lines_and_files_have_other_keys() -> None:
    keys = {rejected_key(source, line, ("x",)) for source in ("a.csv", "b.csv") for line in (2, 3)}
    assert len(keys) == 4


@settings(deadline=None)
@given(st.text())
def test_normal_text_is_normal_already(text: str) -> None:
    assert normal_text(normal_text(text)) == normal_text(text)


def test_normal_text_composes_joins_line_ends_and_strips() -> None:
    assert normal_text("  cafe\u0301\r\nsolo\rcon leche \n") == "café\nsolo\ncon leche"
