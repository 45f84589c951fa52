"""``docs/output.md`` describes the schema completely, and its snippets run."""

import contextlib
import io
import re
from dataclasses import fields
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from dailies.ledger.entry import EntryStatus
from dailies.ledger.folder import Identity, LedgerFolder
from dailies.ledger.schema import SCHEMA, SCHEMA_VERSION
from dailies.report import results
from dailies.report.table_formats import WRITERS
from tests.factories import BATCH, KLING_5_S_MXN, completed, make_entry, make_folder

PAGE = (Path(__file__).parents[2] / "docs" / "output.md").read_text("utf-8")
OLDER = "20261012T180000-00000009"


def section(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"the page has no section {title!r}"
    return found[1]


def table(title: str) -> list[list[str]]:
    rows = [line.strip("| ").split(" | ") for line in section(title).splitlines() if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in row] for row in rows]


def snippets(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    """A ledger at the place where the snippets read it."""
    folder = make_folder(tmp_path / "data" / "ledger" / "live")
    folder.put(
        [
            completed(make_entry("a")),
            make_entry("b", status=EntryStatus.FAILED),
            completed(make_entry("b", attempt=2)),
            completed(make_entry("c", batch_id=OLDER)),
            make_entry("d"),
        ]
    )
    return folder


def test_every_column_is_documented_with_its_type_in_the_schemas_order():
    documented = [(name, kind) for name, kind, *_ in table("The ledger's columns")]

    assert documented == [(field.name, str(field.type)) for field in SCHEMA]


def test_the_page_says_which_columns_are_never_null():
    never = {name for name, _, _, null in table("The ledger's columns") if null.split(" (")[0] == "never"}

    assert never == {field.name for field in SCHEMA if not field.nullable}


def test_every_column_is_explained():
    assert all(meaning and null for _, _, meaning, null in table("The ledger's columns"))


def test_statuses_are_documented_in_their_order_with_what_may_still_be_charged():
    documented = {status: charged for status, _, charged in table("Statuses")}

    assert list(documented) == [str(status) for status in EntryStatus]
    assert {status for status, charged in documented.items() if charged == "yes"} == {
        str(status) for status in EntryStatus if status.is_open
    }


def test_ledger_json_is_documented():
    assert [row[0] for row in table("The ledger's folder")] == [field.name for field in fields(Identity)]
    assert f"of this page: {SCHEMA_VERSION}" in section("The ledger's folder")


def test_the_layout_is_what_a_ledger_looks_like(folder):
    layout = section("The ledger's folder")

    for path in folder.path.iterdir():
        assert re.sub(r"\d{4}-\d\d", "2026-11", path.name) in layout


def test_the_results_columns_are_documented_in_their_order():
    documented = [row[0] for row in table("The results")]

    assert documented == [*results.RESULT_COLUMNS, *results.SOURCE_COLUMNS, *results.SENT_COLUMNS]


def test_the_results_formats_are_documented():
    assert all(f"`{form}`" in section("The results") for form in WRITERS if form != "csv")


def test_a_charge_can_be_computed_again_from_its_own_row(folder):
    for entry in folder.entries():
        if entry.charged_mxn is not None:
            assert entry.usd_per_second and entry.duration_s and entry.markup and entry.fx_mxn_per_usd  # noqa: PT018
            again = entry.usd_per_second * entry.duration_s * entry.markup * entry.fx_mxn_per_usd
            assert again.quantize(Decimal("0.000001")) == entry.charged_mxn


@pytest.mark.parametrize("number", range(2))
def test_the_python_snippets_give_the_sum_of_all_charges(folder, number):
    """The working folder of the test has a ledger at the default place."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(snippets("python")[number], {})

    assert str(3 * KLING_5_S_MXN) in printed.getvalue()


def test_there_are_two_snippets_of_each_language():
    assert (len(snippets("python")), len(snippets("sql"))) == (2, 2)


def test_the_monthly_account_in_sql(folder):
    with duckdb.connect() as connection:
        rows = connection.execute(snippets("sql")[0]).fetchall()

    assert rows == [("2026-11", "fal/kling-2", 3, 3 * KLING_5_S_MXN, 15)]


def test_the_present_state_in_sql(folder):
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT prompt, attempt, status FROM ({snippets('sql')[1].rstrip().rstrip(';')})")
        rows = sorted(found.fetchall())

    assert rows == [("a", 1, "completed"), ("b", 2, "completed"), ("c", 1, "completed"), ("d", 1, "planned")]


def test_a_batch_id_on_the_page_is_a_batch_id(folder):
    (example,) = set(re.findall(r"\d{8}T\d{6}-[0-9a-f]{8}", PAGE))

    assert folder.batch_file(example).name == f"{example}.parquet"
    assert len(example) == len(BATCH)
