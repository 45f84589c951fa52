"""`make fuzz-files`: thousands of generated foreign files, whose right reading the generator records.

Each file is read as it is, off a terminal, and with ``--columns auto``. What must hold: every refusal has a reason and
a remedy, and nothing else is raised; no prompt comes from another column than that of the prompts; where nothing was
asked for, only columns with the known names are read; the command that a message proposes reads the file rightly.
Nothing is sent: reading has no client. The seed of a file is its number.
"""

import argparse
import csv
import io
import json
import random
import shlex
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from dailies.errors import InputError
from dailies.prompts.cells import COLUMNS
from dailies.prompts.options import AS_WRITTEN, ReadOptions
from dailies.prompts.reader import PromptFile, read_prompts

KNOWN = {
    "prompt": ["prompt", "Prompt", "PROMPT "],
    "id": ["id"],
    "model": ["model"],
    "duration": ["duration"],
    "aspect_ratio": ["aspect_ratio"],
}
FOREIGN = {
    "prompt": [
        "text",
        "Texto",
        "caption",
        "prompt_en",
        "Video Prompt",
        "Descripción",
        "Beschreibung",
        "Szene",
        "idea x",
    ],
    "id": ["SKU", "Shot ID", "code", "Nr.", "Escena"],
    "model": ["Engine", "Modelo", "generator", "Motor de vídeo"],
    "duration": ["Seconds", "Length", "Duración (s)", "Dauer", "secs"],
    "aspect_ratio": ["Aspect Ratio", "Ratio", "Formato", "Seitenverhältnis"],
}
OTHERS = [
    "Notes",
    "Client",
    "price",
    "Tags",
    "Status",
    "URL",
    "Body (HTML)",
    "owner;x",
    "",
    "Kunde",
    "negative prompt",
    "Ort",
]
SUBJECTS = [
    "a red fox",
    "an owl, wings spread",
    'a sign that says "Open"',
    "un zorro rojo",
    "ein Leuchtturm; Sturm",
    "a cat's eye",
]
MOVES = [
    "slow push in",
    "in the snow",
    "at dusk, rain",
    "bei Nacht",
    "bajo la lluvia",
    "with #sparks",
    "5 seconds long",
]
MODELS = ["fal/kling-2", "google/veo-3.1", "fal/hailuo-02"]
OTHER_CELLS = [
    "",
    "x",
    "12.90",
    "Lucero",
    "a b",
    "TRUE",
    "https://x.test/1",
    "2026-11-12",
    "5",
    "long words that tell of it",
]


@dataclass(frozen=True)
class Foreign:
    """One generated file.

    Attributes:
        name: the file's name.
        content: its bytes.
        prompts: the right prompts, in order.
        is_foreign: whether the prompts' column has a foreign name, so that nothing may be read unasked.
        options: what a person must say beside the columns: that there is no header, which lines are comments.
    """

    name: str
    content: bytes
    prompts: list[str]
    is_foreign: bool
    options: ReadOptions


def generate(seed: int) -> Foreign:
    """Make one file: columns, shape, dialect, encoding and dirt, all by its seed."""
    draw = random.Random(seed)
    count = draw.randint(1, 12)
    targets = ["prompt", *(name for name in ("id", "model", "duration", "aspect_ratio") if draw.random() < 0.4)]
    others = draw.sample(OTHERS, draw.choice([0, 0, 1, 3, 8]))
    is_foreign = draw.random() < 0.6
    columns = [(target, draw.choice((FOREIGN if is_foreign else KNOWN)[target])) for target in targets]
    columns += [("", name) for name in others]
    draw.shuffle(columns)
    prompts = [f"{draw.choice(SUBJECTS)} {draw.choice(MOVES)}, take {seed}-{n}" for n in range(count)]
    rows = [[_cell(draw, target, prompts[n], n) for target, _ in columns] for n in range(count)]
    header = [name for _, name in columns]
    shape = draw.choice(["csv", "csv", "csv", "tsv", "jsonl", "json", "xlsx", "list"])
    if shape == "list":
        text = "\n".join(prompts) + "\n"
        return Foreign("list.txt", text.encode(), prompts, True, AS_WRITTEN)
    if shape in ("jsonl", "json"):
        objects = [{name: value for name, value in zip(header, row, strict=True) if name} for row in rows]
        lines = "\n".join(json.dumps(one, ensure_ascii=draw.random() < 0.5) for one in objects)
        content = lines if shape == "jsonl" else json.dumps(objects, indent=draw.choice([None, 1]))
        return Foreign(f"shots.{shape}", content.encode(), prompts, is_foreign, AS_WRITTEN)
    if shape == "xlsx":
        return Foreign("shots.xlsx", _workbook(draw, header, rows), prompts, is_foreign, AS_WRITTEN)
    return Foreign(f"shots.{shape}", _text(draw, shape, header, rows), prompts, is_foreign, AS_WRITTEN)


def _cell(draw: random.Random, target: str, prompt: str, number: int) -> str:
    match target:
        case "prompt":
            return prompt
        case "id":
            return f"s-{number}"
        case "model":
            return draw.choice(MODELS)
        case "duration":
            return draw.choice(["5", "5.0", "4", ""])
        case "aspect_ratio":
            return draw.choice(["16:9", "16:09", "9:16", ""])
    return draw.choice(OTHER_CELLS)


def _workbook(draw: random.Random, header: list[str], rows: list[list[str]]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for title in range(draw.choice([0, 0, 1, 2])):
        sheet.append([f"Campaign {title}"])
        sheet.append([])
    for row in (header, *rows):
        sheet.append([cell or None for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _text(draw: random.Random, shape: str, header: list[str], rows: list[list[str]]) -> bytes:
    delimiter = "\t" if shape == "tsv" else draw.choice([",", ",", ";", "\t"])
    ending = draw.choice(["\n", "\r\n"])
    width = draw.choice([0, 0, 0, 3])
    out = io.StringIO()
    if draw.random() < 0.1:
        out.write(f"sep={delimiter}{ending}")
    elif draw.random() < 0.15 and len(header) > 1:
        out.write(f"Campaign Q3{delimiter * (len(header) - 1)}{ending}{ending}")
    bare = delimiter == "\t" and draw.random() < 0.4
    for row in (header, *rows, *([[""] * len(header)] if draw.random() < 0.2 else [])):
        cells = [*row, *[""] * (width if draw.random() < 0.7 or row is header else 0)]
        if bare:
            out.write(delimiter.join(cells) + ending)
        else:
            quoting = csv.QUOTE_ALL if draw.random() < 0.1 else csv.QUOTE_MINIMAL
            csv.writer(out, delimiter=delimiter, lineterminator=ending, quoting=quoting).writerow(cells)
    return out.getvalue().encode(draw.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"]))


def check(file: Foreign, path: Path) -> str:
    """Read one file in every way; return what became of it, or raise ``AssertionError``."""
    path.write_bytes(file.content)
    outcome = "read as it is"
    try:
        plain = read_prompts(path, file.options)
    except InputError as error:
        outcome = _check_refusal(error, file, path)
    else:
        assert not file.is_foreign, f"columns were taken without being asked: {plain.columns}"
        _check_prompts(plain, file)
    _check_auto(file, path)
    return outcome


def _check_refusal(error: InputError, file: Foreign, path: Path) -> str:
    assert all(one.reason and one.remedy for one in error.errors)
    assert not any(prompt in str(error) for prompt in file.prompts), "a prompt was quoted"
    if not error.command:
        return "refused without a command"
    assert str(error).endswith(error.command)
    options = options_of(error.command, path)
    if options.template is not None:
        return "refused; the command fills a template in"
    try:
        read = read_prompts(path, options)
    except InputError as second:
        raise AssertionError(f"the proposed command is refused: {error.command}: {second}") from second
    _check_prompts(read, file)
    return "refused; the command reads it"


def _check_auto(file: Foreign, path: Path) -> None:
    try:
        read = read_prompts(path, ReadOptions(columns="auto", others="meta"))
    except InputError:
        return
    _check_prompts(read, file)


def _check_prompts(read: PromptFile, file: Foreign) -> None:
    found = [row.prompt for row in read.rows]
    assert found == file.prompts, f"{found[:2]} instead of {file.prompts[:2]}"


def options_of(command: str, path: Path) -> ReadOptions:
    """The options of a proposed command."""
    words = shlex.split(command)
    assert words[:3] == ["dailies", "plan", str(path)], command
    given: dict[str, object] = {}
    rest = iter(words[3:])
    for word in rest:
        name = word.removeprefix("--").replace("-", "_")
        given[name] = True if name in ("lines", "no_header") else next(rest)
    return ReadOptions(**given)  # type: ignore[arg-type]


def main() -> int:
    """Read COUNT files; print what became of them, and every file that was read wrongly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first file")
    asked = parser.parse_args()
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(asked.first, asked.first + asked.count):
            file = generate(seed)
            try:
                outcomes[check(file, Path(folder) / file.name)] += 1
            except Exception as error:  # noqa: BLE001 - each of them is what is looked for
                wrong.append(f"seed {seed} ({file.name}): {type(error).__name__}: {error}"[:400])
    for outcome, count in outcomes.most_common():
        sys.stdout.write(f"{count:>7,}  {outcome}\n")
    sys.stdout.write(f"{len(wrong):>7,}  wrong, of {asked.count:,} files in {time.monotonic() - begun:.0f} s\n")
    sys.stdout.writelines(f"{line}\n" for line in wrong[:20])
    return 1 if wrong else 0


if __name__ == "__main__":
    assert set(KNOWN) <= set(COLUMNS)
    sys.exit(main())
