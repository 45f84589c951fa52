"""Prompts by the thousand, end to end: a workbook of products becomes a priced plan, videos, results in a sheet."""

import json
import os
import subprocess
from pathlib import Path

import openpyxl
import pytest

from dailies.ledger.entry import EntryStatus
from tests.workplace import DAILIES, Workplace

pytestmark = pytest.mark.e2e

TEMPLATE = "A {style} clip of {product}, {season} light"


def write_products(path: Path, products: int) -> None:
    """So many products, each for two models, two ratios, two takes."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["id", "meta.product", "meta.style", "meta.season", "model", "aspect_ratio", "takes"])
    for number in range(1, products + 1):
        style, models = ("warm", "cool")[number % 2], "fal/kling-2|fal/hailuo-02"
        sheet.append([number, f"product {number}", style, "spring", models, "16:9|9:16", 2])
    book.save(path)


def bought(workplace: Workplace) -> int:
    return sum(entry.status is EntryStatus.COMPLETED for entry in workplace.entries())


@pytest.mark.slow
def test_fifty_products_in_eight_cells_are_priced_made_and_written_into_a_sheet(workplace: Workplace) -> None:
    write_products(workplace.path / "products.xlsx", 50)
    planned = workplace.run("plan", "products.xlsx", "--template", TEMPLATE)
    assert "50 rows x 8 = 400 videos" in planned.stdout
    assert planned.stdout.count("4.20 MXN") == 2  # Kling, 5 s, in two ratios
    assert planned.stdout.count("5.04 MXN") == 2  # Hailuo, 6 s
    assert "1,848.00" in planned.stdout  # 200 x 4.20 + 200 x 5.04
    facts = json.loads(workplace.run("plan", "products.xlsx", "--template", TEMPLATE, "--json").stdout)
    assert [cell["videos"] for cell in facts["to_do_by_cell"]] == [100, 100, 100, 100]
    assert workplace.sandbox.jobs() == []

    ran = workplace.run("run", "products.xlsx", "--template", TEMPLATE, "--max-cost-mxn", "1848")
    assert ran.returncode == 0, ran.stdout
    assert bought(workplace) == 400
    assert workplace.charged_mxn() == workplace.sandbox.consumed_mxn() == 1848
    again = workplace.run("run", "products.xlsx", "--template", TEMPLATE)
    assert "nothing to do" in again.stdout
    assert len(workplace.sandbox.jobs()) == 400

    written = workplace.run("results", "products.xlsx", "--template", TEMPLATE, "-o", "done.xlsx")
    assert written.returncode == 0, written.stdout
    sheet = openpyxl.load_workbook(workplace.path / "done.xlsx").active
    assert sheet is not None
    header, *rows = sheet.iter_rows(values_only=True)
    results = [dict(zip(header, row, strict=True)) for row in rows]
    assert [row["id"] for row in results[::8]] == [str(number) for number in range(1, 51)]
    assert {row["status"] for row in results} == {"completed"}
    assert results[0]["sent_prompt"] == "A cool clip of product 1, spring light"
    assert len({row["video_url"] for row in results}) == 400


def test_several_sources_make_what_they_share_once(workplace: Workplace) -> None:
    write_products(workplace.path / "a.xlsx", 1)
    (workplace.path / "b.jsonl").write_text(
        '{"prompt": "A cool clip of product 1, spring light"}\n{"prompt": "A fox"}\n'
    )
    (workplace.path / "c").mkdir()
    (workplace.path / "c" / "one.tsv").write_text("prompt\tid\nAn owl, at dusk\t1\n")
    ran = workplace.run("run", "a.xlsx", "b.jsonl", "c/*.tsv", "--template", TEMPLATE)
    assert ran.returncode == 0, ran.stdout
    assert "The same request in two sources, made once: a.xlsx line 2 and b.jsonl line 1." in ran.stdout
    assert {(entry.source, entry.source_line) for entry in workplace.entries()} == {
        ("a.xlsx", 2),
        ("b.jsonl", 2),
        ("c/one.tsv", 2),
    }
    assert bought(workplace) == len(workplace.sandbox.jobs()) == 10
    lines = next(workplace.path.glob("data/results/a+2-*.results.csv")).read_text("utf-8").splitlines()
    assert len(lines) == 1 + 8 + 2 + 1


@pytest.mark.parametrize(
    "command",
    ["printf 'prompt,takes\\nA fox,2\\n' | dailies run -", "dailies run <(printf 'prompt,takes\\nA fox,2\\n')"],
)
def test_what_can_be_read_only_once_is_kept_so_that_the_run_can_go_on(workplace: Workplace, command: str) -> None:
    ran = subprocess.run(
        ["bash", "-c", command],
        cwd=workplace.path,
        env={**workplace.env, "PATH": f"{DAILIES.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (kept,) = (workplace.path / "data" / "inputs").iterdir()
    assert f"data/inputs/{kept.name}: name that file to continue." in ran.stderr
    assert bought(workplace) == 2
    assert "nothing to do" in workplace.run("run", f"data/inputs/{kept.name}").stdout
