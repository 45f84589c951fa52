"""The caps: only what would be ordered needs money; what was ordered is collected."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from dailies.errors import RefusedError
from dailies.ledger.entry import EntryStatus
from dailies.ledger.folder import LedgerFolder
from dailies.planning.caps import Caps
from dailies.planning.claim import claim_rows
from tests.factories import (
    BATCH,
    KLING_5_S_MXN,
    NOW,
    make_entry,
    make_file,
    make_folder,
    make_rows,
    make_tariff,
    make_terms,
)

OPEN, NEW = make_rows("open", "new")
NOTHING_LEFT = [
    Caps(max_cost_mxn=Decimal(0)),
    Caps(max_month_mxn=Decimal(0)),
    Caps(balance_mxn=Decimal(0)),
    Caps(balance_mxn=Decimal(-5)),
]


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    """A ledger in which one job renders."""
    folder = make_folder(tmp_path / "ledger")
    folder.put(
        [make_entry("open", status=EntryStatus.PROCESSING, job_id="job-1", batch_id=BATCH, worst_mxn=KLING_5_S_MXN)]
    )
    return folder


@pytest.mark.parametrize("caps", NOTHING_LEFT)
def test_a_job_is_collected_without_money_and_nothing_is_ordered_for_its_row(folder: LedgerFolder, caps: Caps) -> None:
    claim = claim_rows(folder, make_file(OPEN), make_terms(caps), NOW)

    (row,) = claim.plan.todo
    assert (row.entry.job_id, row.models) == ("job-1", ("fal/kling-2",)), "no second attempt"
    claim.release()


@pytest.mark.parametrize("caps", NOTHING_LEFT)
def test_a_run_that_would_order_is_refused_and_with_fit_it_collects_alone(folder: LedgerFolder, caps: Caps) -> None:
    with pytest.raises(RefusedError):
        claim_rows(folder, make_file(NEW, OPEN), make_terms(caps), NOW)

    claim = claim_rows(folder, make_file(NEW, OPEN), make_terms(replace(caps, fit=True)), NOW)
    assert [row.entry.prompt for row in claim.plan.todo] == ["open"]
    assert [row.entry.prompt for row in claim.plan.left] == ["new"]
    claim.release()


def test_a_row_in_doubt_needs_money(folder: LedgerFolder) -> None:
    folder.put([make_entry("new", status=EntryStatus.IN_DOUBT, batch_id=BATCH, worst_mxn=KLING_5_S_MXN)])
    with pytest.raises(RefusedError):
        claim_rows(folder, make_file(NEW), make_terms(Caps(max_cost_mxn=Decimal(0))), NOW)


def test_with_fit_a_job_comes_before_a_new_row_and_rows_stay_in_order(folder: LedgerFolder) -> None:
    for cap, taken in ((1, ["open"]), (2, ["new", "open"])):
        caps = Caps(max_cost_mxn=cap * KLING_5_S_MXN, fit=True)
        claim = claim_rows(folder, make_file(NEW, OPEN), make_terms(caps), NOW)
        assert [row.entry.prompt for row in claim.plan.todo] == taken
        assert all(len(row.models) == 2 for row in claim.plan.todo)
        claim.release()
        folder = _again(folder)


def test_a_job_is_collected_in_a_month_without_fx(folder: LedgerFolder) -> None:
    terms = make_terms(tariff=make_tariff(fx={"2026-10": Decimal(20)}))
    with pytest.raises(RefusedError, match="No FX for 2026-11"):
        claim_rows(folder, make_file(NEW, OPEN), terms, NOW)

    claim = claim_rows(folder, make_file(OPEN), terms, NOW)
    assert [(row.entry.worst_mxn, len(row.models)) for row in claim.plan.todo] == [(KLING_5_S_MXN, 1)]
    claim.release()


def _again(folder: LedgerFolder) -> LedgerFolder:
    return make_folder(folder.path)
