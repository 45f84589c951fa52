"""Settling on the live service: two settlements are compared, each of books and a balance of the same instant."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.ledger.folder import LedgerFolder
from dailies.reconcile.account import AccountReport, read_last_settlement
from dailies.reconcile.settle import Settlement, settle_ledger
from dailies.settings import Settings, load_settings
from tests.factories import KLING_5_S_MXN, LIVE_KEY, NOW, completed, make_entry, make_folder
from tests.stubs import answering


class Account:
    """What the service reports of the balance; ``meanwhile`` is booked by others right after it was asked."""

    def __init__(self, balance_mxn: str, *meanwhile: LedgerEntry) -> None:
        self.balance_mxn = Decimal(balance_mxn)
        self.meanwhile = list(meanwhile)

    async def settle(self, folder: LedgerFolder, monkeypatch: pytest.MonkeyPatch) -> Settlement:
        async def ask(_: Settings) -> AccountReport:
            if self.meanwhile:
                book(folder, self.meanwhile.pop(0))
            return AccountReport(self.balance_mxn)

        monkeypatch.setattr("dailies.reconcile.settle.ask_account", ask)
        return await settle_ledger(load_settings(geekhub_api_key=LIVE_KEY), folder, "settle")


def book(folder: LedgerFolder, *entries: LedgerEntry) -> None:
    with folder.lock():
        folder.put(entries)


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    return make_folder(tmp_path / "ledger")


async def test_books_that_move_are_not_remembered(folder: LedgerFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await Account("100", *(completed(make_entry(prompt)) for prompt in "abcd")).settle(folder, monkeypatch)

    assert (found.comparison, found.exit_code) == (None, 3)
    assert read_last_settlement(folder.path / "settled.json") is None


async def test_what_is_remembered_is_of_one_instant(folder: LedgerFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    await Account("100", completed(make_entry("a"))).settle(folder, monkeypatch)

    seen = read_last_settlement(folder.path / "settled.json")
    assert seen is not None
    assert (seen.balance_mxn, seen.charged_mxn, seen.charges) == (100, KLING_5_S_MXN, 1)


async def test_a_charge_that_is_unknown_now_may_be_booked_by_the_next_settlement(
    folder: LedgerFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given up after a poll that took the charge; its outcome turned up in a backup of the journal."""
    entry = make_entry("a", status=EntryStatus.ABANDONED, job_id="job-1", polls=1)
    await Account("100").settle(folder, monkeypatch)
    book(folder, entry)
    explained = await Account("95.80").settle(folder, monkeypatch)
    book(folder, completed(entry))
    booked = await Account("95.80").settle(folder, monkeypatch)

    assert [found.exit_code for found in (explained, booked)] == [0, 0]
    assert booked.comparison is not None
    assert booked.comparison.credited_mxn == 0


async def test_the_open_job_of_a_withdrawn_model_is_collected_beside_the_others(folder: LedgerFolder) -> None:
    sent = {"status": EntryStatus.PROCESSING, "submitted_at": NOW, "polls": 1}
    old = replace(make_entry("old", job_id="job-old", **sent), model="fal/withdrawn")
    book(folder, old, make_entry("new", job_id="job-new", **sent))
    jobs = {f"/v1/videos/{job}": (200, done(job)) for job in ("job-old", "job-new")}

    with answering(jobs) as address:
        settings = load_settings(
            geekhub_api_key=LIVE_KEY, geekhub_base_url=f"{address}/v1", fx={"*": Decimal(20)}, time_scale=1e-4
        )
        found = await settle_ledger(settings, folder, "settle")

    assert (found.polled, found.exit_code) == ({EntryStatus.COMPLETED: 2}, 0)
    assert {entry.charged_mxn for entry in folder.entries()} == {KLING_5_S_MXN}


def done(job_id: str) -> str:
    """A finished job, as the service reports it."""
    url = f"https://s.test/storage/v1/object/public/generated-videos/7f1f0c9e-0000-4000-8000-00000000000a/{job_id}.mp4"
    job = {"id": job_id, "object": "video.job", "status": "completed", "video_url": url, "duration": 5, "error": None}
    return json.dumps(job)


async def test_a_charge_of_a_month_without_fx_is_booked_once_the_fx_is_known(
    folder: LedgerFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = {"charged_mxn": None, "charged_usd": None, "fx_mxn_per_usd": None, "fx_source": None}
    other_length = {**unknown, "error_code": "duration_differs"}
    book(folder, replace(completed(make_entry("a")), **unknown), replace(completed(make_entry("b")), **other_length))
    monkeypatch.setenv("DAILIES_FX", "2026-10=20")
    assert (await Account("100").settle(folder, monkeypatch)).booked_late == 0

    monkeypatch.setenv("DAILIES_FX", "2026-11=20")
    found = await Account("100").settle(folder, monkeypatch)

    assert (found.booked_late, found.booked.charged_mxn, found.booked.unknown) == (1, KLING_5_S_MXN, 1)
    assert {entry.prompt: entry.charged_mxn for entry in folder.entries()} == {"a": KLING_5_S_MXN, "b": None}
    assert (await Account("100").settle(folder, monkeypatch)).booked_late == 0
