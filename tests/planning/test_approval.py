"""A run buys what its plan has shown: other rows than those are refused and named."""

from dataclasses import replace
from pathlib import Path

import pytest

from dailies.errors import RefusedError
from dailies.ledger.folder import LedgerFolder
from dailies.planning.approval import digest_rows
from dailies.planning.claim import claim_rows
from dailies.prompts.reader import read_prompts
from tests.factories import BATCH, NOW, completed, make_entry, make_file, make_folder, make_rows, make_terms

A, B = make_rows("a", "b")
SHOWN = digest_rows(make_file(A, B))


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    return make_folder(tmp_path / "ledger")


@pytest.mark.parametrize(
    "rows",
    [
        make_rows("a", "swapped"),
        make_rows("a"),
        make_rows("a", "b", "c"),
        make_rows("b", "a"),
        (A, replace(B, fallback=("fal/hailuo-02",))),
    ],
)
def test_other_rows_than_those_shown_are_refused_and_their_file_is_named(folder: LedgerFolder, rows) -> None:
    with pytest.raises(RefusedError, match=r"prompts\.csv changed meanwhile\. Nothing was spent"):
        claim_rows(folder, make_file(*rows), make_terms(approved_rows=SHOWN), NOW)
    assert folder.is_new


def test_rows_that_finished_meanwhile_drop_out(folder: LedgerFolder) -> None:
    folder.put([completed(make_entry("a", batch_id=BATCH))])
    claim = claim_rows(folder, make_file(A, B), make_terms(approved_rows=SHOWN), NOW)

    assert [row.entry.prompt for row in claim.plan.todo] == ["b"]
    claim.release()


def test_a_run_without_a_plan_reads_the_file_afresh(folder: LedgerFolder) -> None:
    claim = claim_rows(folder, make_file(*make_rows("whatever")), make_terms(), NOW)
    assert len(claim.plan.todo) == 1
    claim.release()


def test_of_several_sources_the_one_that_changed_is_named(folder: LedgerFolder, tmp_path: Path) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("prompt\na fox\n", "utf-8")
    two.write_text("prompt\nan owl\n", "utf-8")
    terms = make_terms(approved_rows=digest_rows(read_prompts([one, two])))
    two.write_text("prompt\nan eagle\n", "utf-8")

    with pytest.raises(RefusedError, match=r"shown: \S*two\.csv changed"):
        claim_rows(folder, read_prompts([one, two]), terms, NOW)
    with pytest.raises(RefusedError, match="2 sources were shown, and there are 1 now"):
        claim_rows(folder, read_prompts([one]), terms, NOW)
