"""The file ``.env``: a cap that is written there holds, or the run does not start."""

from pathlib import Path

import pytest

from dailies.errors import SettingsError
from dailies.settings import Settings, load_settings, variable

LOST = [
    ("DAILIES_MAX_COST_MXN: 1", 1, "no assignment"),
    ("DAILIES_MAX_COST_MXN 1", 1, "no assignment"),
    ("DAILIES_MAX_COST_MXN", 1, "no assignment"),
    ("set DAILIES_MAX_COST_MXN=1", 1, "no assignment"),
    ("OTHER: 1", 1, "no assignment"),
    ("# a note\n\n \nDAILIES_MAX_COST_MXN: 1\n", 4, "no assignment"),
    ('DAILIES_MAX_COST_MXN="1\n', 1, "quote"),
    ("A=1\nDAILIES_MAX_COST_MXN='1", 2, "quote"),
    ('NOTE="one\nDAILIES_MAX_COST_MXN=1\ntwo"\n', 1, "DAILIES_MAX_COST_MXN"),
    ('DAILIES_MAX_COST_MXN="1" MXN\n', 1, "no assignment"),
    ("\ufeffDAILIES_MAX_COST=1", 1, "DAILIES_MAX_COST: there is no such setting; did you mean DAILIES_MAX_COST_MXN?"),
    ("A=1\n\ufeffDAILIES_MAX_COST_MXN=1", 2, "invisible character"),
    ("A=1\n\ufeffDAILIES_MAX_COST=1", 2, "did you mean DAILIES_MAX_COST_MXN?"),
    ("\u200bDAILIES_MAX_COST_MXN=1", 1, "character"),
    ("DAILIES\u2013MAX_COST_MXN=1", 1, "character"),
    ("DAILIES-MAX-COST-MXN=1", 1, "write DAILIES_MAX_COST_MXN"),
    ("export DAILIES-MAX-COST=1", 1, "did you mean DAILIES_MAX_COST_MXN?"),
    ("DAILIESMAX_COST_MXN=1", 1, "no such setting"),
    ("GEEKHUB-BASE-URL=http://127.0.0.1:1/v1", 1, "write GEEKHUB_BASE_URL"),
    ("export DAILIES_COLOUR=blue", 1, "DAILIES_COLOUR: there is no such setting; remove it"),
    ("DAILIES_MAX_COST_MXN=1\nA=1\nDAILIES_MAX_COST_MXN=100", 3, "is set on line 1 already"),
    ("DAILIES_MAX_COST_MXN=1\ndailies_max_cost_mxn=", 2, "is set on line 1 already"),
    ("DAILIES_MAX_COST_MXN=${CAP_OF_NOVEMBER}", 1, "CAP_OF_NOVEMBER"),
]


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".env"


@pytest.mark.parametrize(("text", "line", "reason"), LOST)
def test_a_line_that_would_lose_a_cap_is_refused_with_its_number(bare: Path, text: str, line: int, reason: str) -> None:
    bare.write_text(text, "utf-8")

    with pytest.raises(SettingsError) as caught:
        load_settings()

    assert f".env line {line}: " in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "DAILIES_MAX_COST_MXN=1",
        "\ufeffDAILIES_MAX_COST_MXN=1\r\n# a note: 1\r\n",
        "export DAILIES_MAX_COST_MXN = '1' # what one run may cost\n",
        'NOTE="one\ntwo: 2\nthree"\nDAILIES_MAX_COST_MXN=1',
        "CAP=1\nDAILIES_MAX_COST_MXN=${CAP}\nsome-other.tool=${NOT_SET}",
        "dailies_max_cost_mxn=1\nDAILIES_MAX_COST_MXN=1",
    ],
)
def test_a_cap_that_is_written_well_holds(bare: Path, text: str) -> None:
    bare.write_text(text, "utf-8", newline="")

    assert load_settings().max_cost_mxn == 1


@pytest.mark.parametrize("name", ["DAILIES-MAX-COST-MXN", "\ufeffDAILIES_MAX_COST_MXN", "DAILIESX"])
def test_a_name_in_the_environment_is_held_to_the_same_rule(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")

    with pytest.raises(SettingsError, match="DAILIES"):
        load_settings()


def test_every_fault_is_named_at_once_and_no_value_is_repeated(bare: Path) -> None:
    bare.write_text("GEEKHUB_API_KEY: secret-1\nDAILIES_COLOUR=secret-2\nDAILIES_BATCH_SIZE=secret-3\n", "utf-8")

    with pytest.raises(SettingsError) as caught:
        load_settings()

    assert len(str(caught.value).splitlines()) == 3
    assert "secret" not in str(caught.value)
