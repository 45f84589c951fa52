"""A starter sheet can be run unchanged, and says what each column takes and costs."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook

from dailies.catalogue import load_catalogue
from dailies.errors import RefusedError
from dailies.prompts.reader import read_prompts
from dailies.prompts.starter import write_starter
from tests.commandline import dailies
from tests.factories import make_tariff

NOW = datetime(2026, 11, 27, tzinfo=UTC)


@pytest.mark.parametrize("name", ["prompts.csv", "new/prompts.xlsx", "prompts"])
@pytest.mark.parametrize("default_model", load_catalogue())
def test_a_starter_is_read_as_it_is(name: str, default_model: str) -> None:
    write_starter(Path(name), default_model=default_model, tariff=make_tariff(), now=NOW)
    file = read_prompts(name, default_model=default_model)
    assert (len(file.rows), file.notes) == (3, ())
    assert all("hint" in row.metadata for row in file.rows)
    assert "s cost " in file.rows[0].metadata["hint"]
    assert file.rows[0].model == default_model


def test_a_workbook_offers_the_models_and_ratios() -> None:
    write_starter(Path("a.xlsx"), default_model="fal/kling-2", tariff=make_tariff(), now=NOW)
    book = load_workbook("a.xlsx")
    choices = [one.formula1 for one in book["prompts"].data_validations.dataValidation]
    assert any("fal/kling-2" in choice and "google/veo-3" in choice for choice in choices)
    assert any("16:9" in choice for choice in choices)
    assert book["prompts"]["E9"].number_format == "@"
    assert all(len(choice) <= 257 for choice in choices)  # Excel repairs a workbook with a longer list


def test_the_verb_writes_a_sheet_that_plan_reads(capsys: pytest.CaptureFixture[str]) -> None:
    said = dailies(capsys, "new", "prompts.csv")
    assert (said.code, said.out) == (0, "prompts.csv: change the prompts, then: dailies plan prompts.csv\n")
    assert dailies(capsys, "validate", "prompts.csv").out == "prompts.csv: 3 rows, no mistakes.\n"
    assert dailies(capsys, "new", "prompts.csv").code == 2


def test_nothing_is_overwritten() -> None:
    Path("a.csv").write_text("prompt\nmine\n")
    with pytest.raises(RefusedError, match="exists already"):
        write_starter(Path("a.csv"), default_model="fal/kling-2", tariff=make_tariff(), now=NOW)
    assert Path("a.csv").read_text() == "prompt\nmine\n"
