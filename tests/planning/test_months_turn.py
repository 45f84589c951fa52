"""The turn of a month: another FX, another cap, and clocks that disagree on which month it is."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from dailies.errors import RefusedError
from dailies.ledger.entry import EntryStatus as S
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal_writer import create_journal
from dailies.ledger.snapshot import read_snapshot
from dailies.planning.caps import Caps
from dailies.planning.claim import claim_rows, read_plan
from dailies.planning.terms import ask_balance
from dailies.settings import Settings
from tests.factories import (
    KLING_5_S_MXN,
    LIVE_KEY,
    completed,
    make_entry,
    make_file,
    make_folder,
    make_manifest,
    make_row,
    make_tariff,
    make_terms,
)
from tests.stubs import answering

NOVEMBER = datetime(2026, 11, 30, 12, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 12, 1, 6, tzinfo=UTC)  # in Mexico City
DEARER = make_tariff(fx={"2026-11": Decimal(20), "2026-12": Decimal(25)})
OPEN = make_entry(
    "open", status=S.PROCESSING, job_id="job-1", polls=1, submitted_at=NOVEMBER, worst_usd=Decimal("0.21")
)
DEARER_MXN = Decimal("5.25")


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    return make_folder(tmp_path / "ledger")


def put(folder: LedgerFolder, *entries: object) -> None:
    with folder.lock():
        folder.put(entries)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [S.IN_DOUBT, S.PENDING, S.PROCESSING])
def test_an_open_row_is_reserved_at_the_dearer_of_its_claim_and_today(folder: LedgerFolder, status: S) -> None:
    put(folder, replace(OPEN, status=status))

    cheaper = make_tariff(fx={"2026-11": Decimal(20), "2026-12": Decimal(15)})
    assert read_snapshot(folder, (), DEARER, DECEMBER).reserved_beside(()) == DEARER_MXN
    assert read_snapshot(folder, (), cheaper, DECEMBER).reserved_beside(()) == KLING_5_S_MXN


def test_a_row_of_a_ledger_that_does_not_know_its_usd_is_reserved_as_it_was(folder: LedgerFolder) -> None:
    put(folder, replace(OPEN, worst_usd=None))

    assert read_snapshot(folder, (), DEARER, DECEMBER).reserved_beside(()) == KLING_5_S_MXN


def test_a_row_of_a_live_run_is_reserved_at_todays_fx_too(folder: LedgerFolder) -> None:
    lock = create_journal(folder.journals, make_manifest(OPEN))

    assert read_snapshot(folder, (), DEARER, DECEMBER).reserved_beside(()) == DEARER_MXN
    lock.release()


def test_the_cap_of_a_dearer_month_holds_for_rows_that_were_claimed_in_a_cheaper_one(folder: LedgerFolder) -> None:
    """Nine rows of 4.20 are open when the FX rises: with one row more they may cost 52.50, not 42.00."""
    put(folder, *(replace(make_entry(str(number)), **_open(number)) for number in range(9)))
    terms = make_terms(Caps(max_month_mxn=Decimal("52.49")), tariff=DEARER)

    with pytest.raises(RefusedError, match=r"This month may come to 52\.50 MXN .*47\.25 still possible"):
        claim_rows(folder, make_file(make_row("a")), terms, DECEMBER)
    claim_rows(folder, make_file(make_row("a")), replace(terms, caps=Caps(max_month_mxn=Decimal("52.5"))), DECEMBER)


def _open(number: int) -> dict[str, object]:
    same = ("status", "polls", "submitted_at", "worst_usd")
    return {**{name: getattr(OPEN, name) for name in same}, "job_id": f"job-{number}"}


def test_a_new_row_knows_its_worst_case_in_usd_with_its_fallbacks(folder: LedgerFolder) -> None:
    row = make_row("a", fallback=("google/veo-3",))
    claim = claim_rows(folder, make_file(row), make_terms(), NOVEMBER)
    claim.release()

    (claimed,) = claim.batches[0].rows
    assert (claimed.entry.worst_usd, claimed.entry.worst_mxn) == (Decimal("1.05"), Decimal(21))


def test_a_charge_whose_fx_became_known_is_booked_by_the_next_claim(folder: LedgerFolder) -> None:
    unknown = completed(make_entry("bought"), charged_mxn=None, charged_usd=None, fx_mxn_per_usd=None)
    put(folder, replace(unknown, completed_at=DECEMBER))

    claim_rows(folder, make_file(make_row("a")), make_terms(tariff=DEARER), DECEMBER).release()

    assert [entry.charged_mxn for entry in folder.entries()] == [DEARER_MXN]


@pytest.mark.parametrize("ahead_s", [240, -240])
def test_the_cap_holds_in_the_months_of_both_clocks(folder: LedgerFolder, ahead_s: int) -> None:
    """Near midnight one clock says November, in which 21 MXN were charged, and the other December."""
    put(folder, completed(make_entry("bought"), charged_mxn=Decimal(21), completed_at=NOVEMBER))
    ahead = timedelta(seconds=ahead_s)
    terms = make_terms(Caps(max_month_mxn=Decimal(21)), tariff=DEARER, clock_ahead=ahead)
    now = MIDNIGHT + ahead / 2

    for make in (read_plan, claim_rows):
        with pytest.raises(RefusedError, match=r"21\.00 charged"):
            make(folder, make_file(make_row("a")), terms, now)
    later = claim_rows(folder, make_file(make_row("a")), terms, now + timedelta(minutes=10))
    later.release()
    assert later.plan.charged_month_mxn == 0


@pytest.mark.parametrize("ahead_s", [240, -240])
def test_a_row_is_priced_at_the_dearer_of_both_clocks_months(folder: LedgerFolder, ahead_s: int) -> None:
    ahead = timedelta(seconds=ahead_s)
    cheaper = make_tariff(fx={"2026-11": Decimal(25), "2026-12": Decimal(20)})
    plan = read_plan(
        folder, make_file(make_row("a")), make_terms(tariff=cheaper, clock_ahead=ahead), MIDNIGHT + ahead / 2
    )

    assert plan.worst_mxn == DEARER_MXN


def test_a_month_without_fx_by_either_clock_is_refused(folder: LedgerFolder) -> None:
    ahead = timedelta(minutes=4)
    with pytest.raises(RefusedError, match="No FX for 2026-12"):
        read_plan(folder, make_file(make_row("a")), make_terms(clock_ahead=ahead), MIDNIGHT + ahead / 2)


@pytest.mark.parametrize(("off_s", "way"), [(400, "behind"), (-400, "ahead of")])
def test_a_clock_that_is_more_than_five_minutes_off_is_refused(folder: LedgerFolder, off_s: int, way: str) -> None:
    models = {"/v1/models": (200, '{"object": "list", "data": []}')}
    theirs = format_datetime(datetime.now(UTC) + timedelta(seconds=off_s), usegmt=True)
    with answering(models, date=theirs) as url, pytest.raises(RefusedError, match=f"7 minutes {way} the service's"):
        asyncio.run(ask_balance(_settings(url), folder))


@pytest.mark.parametrize("off_s", [240, -240])
def test_a_clock_that_is_a_little_off_is_known_to_the_claim(folder: LedgerFolder, off_s: int) -> None:
    models = {"/v1/models": (200, '{"object": "list", "data": []}')}
    theirs = format_datetime(datetime.now(UTC) + timedelta(seconds=off_s), usegmt=True)
    with answering(models, date=theirs) as url:
        ahead = asyncio.run(ask_balance(_settings(url), folder)).clock_ahead

    assert abs(ahead.total_seconds() + off_s) < 60


@pytest.mark.parametrize("date", ["yesterday", "Fri, 31 Dec 9999 23:59:59 -2359"])
def test_a_date_that_is_none_says_nothing_of_the_clock(folder: LedgerFolder, date: str) -> None:
    with answering({"/v1/models": (200, '{"object": "list", "data": []}')}, date=date) as url:
        assert asyncio.run(ask_balance(_settings(url), folder)).clock_ahead == timedelta(0)


def _settings(url: str) -> Settings:
    return Settings.model_validate({"geekhub_base_url": f"{url}/v1", "geekhub_api_key": SecretStr(LIVE_KEY)})
