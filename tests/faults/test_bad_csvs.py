"""Thousands of CSVs that are broken: never a traceback, always a place and a remedy."""

import random
from pathlib import Path

import pytest

from dailies.errors import InputError
from dailies.prompts.reader import read_prompts

_GOOD = (
    "id,prompt,model,duration,aspect_ratio,take,fallback,meta.shot\n"
    'one,"a lighthouse, at dusk",fal/kling-2,5,16:9,1,google/veo-3.1|fal/veo-3.1,7\n'
    "two,un faro al anochecer,google/veo-3,8,9:16,,,\n"
    'three,"a storm\nover two lines",,,,2,fal/luma-ray-2,9\n'
    "four,the sea 🌊,fal/hailuo-02,10,,,,\n"
)
_PIECES = (
    *"\",;\t\n\r\x00\ufeff|'=@ ",
    *(
        "999",
        "-1",
        "0",
        "1.5",
        "five",
        "NaN",
        "fal/kling-3",
        "21:9",
        "prompt",
        "\x1f",
        "🌊" * 10,
        "x" * 4001,
        '""',
        "\r\n",
    ),
)
_WORDS = ("prompt", "model", "fal/kling-2", "duration", "16:9", "take", "one", "5", '"', "\n", ",")


def break_csv(draw: random.Random) -> bytes:
    """A good file, broken one to four times."""
    broken = _GOOD.encode(draw.choice(["utf-8"] * 8 + ["utf-16", "utf-8-sig"]))
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(broken) + 1)
        match draw.randrange(7):
            case 0:
                broken = broken[:at] + draw.choice(_PIECES).encode() + broken[at:]
            case 1:
                broken = broken[:at] + broken[at + draw.randint(1, 30) :]
            case 2:
                broken = broken[:at] + bytes(draw.randrange(256) for _ in range(draw.randint(1, 8))) + broken[at:]
            case 3:
                broken = broken.replace(draw.choice(_WORDS).encode(), draw.choice(_PIECES).encode(), 1)
            case 4:
                broken = broken[:at]
            case 5:
                lines = broken.splitlines(keepends=True)
                draw.shuffle(lines)
                broken = b"".join(lines)
            case _:
                broken = broken.replace(b",", draw.choice(_PIECES).encode(), draw.randint(1, 40))
    return broken


def read_all(path: Path, count: int) -> tuple[int, int]:
    """Read so many; how many were refused, and how many faults were named."""
    refused = faults = 0
    for seed in range(count):
        path.write_bytes(break_csv(random.Random(seed)))
        try:
            read_prompts(path)
        except InputError as error:
            refused, faults = refused + 1, faults + len(error.errors)
            for fault in error.errors:
                place, _, advice = str(fault).partition(": ")
                assert place.startswith(str(path)), f"seed {seed}: {fault}"
                assert fault.remedy, f"seed {seed}: {fault}"
                assert "; " in advice, f"seed {seed}: {fault}"
                assert fault.line is None or fault.line >= 1, f"seed {seed}: {fault}"
    return refused, faults


def test_a_thousand_broken_files_are_refused_with_place_and_remedy(tmp_path: Path) -> None:
    refused, faults = read_all(tmp_path / "broken.csv", 1000)
    assert faults >= refused > 500


@pytest.mark.slow
def test_ten_thousand_broken_files_are_refused_with_place_and_remedy(tmp_path: Path) -> None:
    refused, faults = read_all(tmp_path / "broken.csv", 10_000)
    assert faults >= refused > 5_000
