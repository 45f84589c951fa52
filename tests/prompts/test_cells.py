"""What a plan shows before anything is spent: the price of each cell, and what is asked for more than once."""

from decimal import Decimal
from pathlib import Path

import pytest

from dailies.ledger.snapshot import Snapshot
from dailies.planning.caps import Caps
from dailies.planning.next_attempt import AttemptPolicy
from dailies.planning.plan import Plan, Stamp, make_plan
from dailies.prompts.reader import PromptFile, read_prompts
from dailies.report.plan_breakdown import find_duplicates, price_cells, size_words
from tests.factories import BATCH, NOW, make_tariff


def read(tmp_path: Path, *texts: str) -> PromptFile:
    names = [f"{chr(97 + number)}.csv" for number in range(len(texts))]
    for name, text in zip(names, texts, strict=True):
        (tmp_path / name).write_text(text)
    return read_prompts(names)


def plan(prompts: PromptFile) -> Plan:
    return make_plan(prompts, Snapshot(), make_tariff(), AttemptPolicy(), Caps(), Stamp(BATCH, None, NOW))


def test_each_cell_has_its_price(tmp_path: Path) -> None:
    made = plan(read(tmp_path, "prompt,model,aspect_ratio,takes\nA,fal/kling-2|fal/luma-ray-2,16:9|9:16,2\nB,,16:9,\n"))
    assert [(cell.model, cell.aspect_ratio, cell.each_mxn, cell.videos) for cell in price_cells(made)] == [
        ("fal/kling-2", "16:9", Decimal("4.2"), 3),
        ("fal/kling-2", "9:16", Decimal("4.2"), 2),
        ("fal/luma-ray-2", "16:9", Decimal("21"), 2),
        ("fal/luma-ray-2", "9:16", Decimal("21"), 2),
    ]
    assert sum((cell.worst_mxn for cell in price_cells(made)), Decimal(0)) == made.worst_mxn


def test_a_fallback_makes_a_cell_of_its_own(tmp_path: Path) -> None:
    made = plan(read(tmp_path, "prompt,fallback\nA,\nB,google/veo-3.1\n"))
    assert [cell.each_mxn for cell in price_cells(made)] == [Decimal("4.2"), Decimal("42")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prompt\nA\n", "1 row"),
        ("prompt\nA\nB\n", "2 rows"),
        ("prompt,takes\nA,3\nB,3\n", "2 rows x 3 = 6 videos"),
        ("prompt,takes\nA,3\nB,1\n", "2 rows = 4 videos"),
    ],
)
def test_the_size_is_told(tmp_path: Path, text: str, words: str) -> None:
    assert size_words(read(tmp_path, text)) == words


def test_the_same_request_on_several_lines_is_named_once_for_its_matrix(tmp_path: Path) -> None:
    text = "prompt,model\nA,fal/kling-2|fal/luma-ray-2\nB,\nA,fal/kling-2|fal/luma-ray-2\n"
    (duplicate,) = find_duplicates(read(tmp_path, text))
    assert str(duplicate) == "The same request more than once, so 4 takes are made: a.csv line 2 and a.csv line 4."


def test_takes_of_one_line_are_no_duplicates(tmp_path: Path) -> None:
    assert find_duplicates(read(tmp_path, "prompt,takes\nA,3\nB,\n")) == []


def test_the_same_request_in_two_sources_is_named(tmp_path: Path) -> None:
    (duplicate,) = find_duplicates(read(tmp_path, "prompt\nA\nB\n", "prompt\nC\nB\n"))
    assert str(duplicate) == "The same request in two sources, made once: a.csv line 3 and b.csv line 3."


def test_many_lines_are_counted(tmp_path: Path) -> None:
    (duplicate,) = find_duplicates(read(tmp_path, "prompt\n" + "A\n" * 9))
    assert str(duplicate).endswith(
        "a.csv line 2 and a.csv line 3, a.csv line 4, a.csv line 5, a.csv line 6 and 4 more."
    )
