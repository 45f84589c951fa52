"""Settling on the live service: two settlements are compared, each of books and a balance of the same instant."""

from decimal import Decimal
from pathlib import Path

import pytest

from dailies.account import Told, read_seen
from dailies.folder import LedgerFolder
from dailies.ledger import EntryStatus, LedgerEntry
from dailies.settings import Settings, load_settings
from dailies.settle import Settlement, settle_ledger
from tests.factories import KLING_5_S_MXN, LIVE_KEY, completed, make_entry, make_folder


class Account:
    """What the service tells of the balance; ``meanwhile`` is booked by others right after it was asked."""

    def __init__(self, balance_mxn: str, *meanwhile: LedgerEntry) -> None:
        self.balance_mxn = Decimal(balance_mxn)
        self.meanwhile = list(meanwhile)

    async def settle(self, folder: LedgerFolder, monkeypatch: pytest.MonkeyPatch) -> Settlement:
        async def ask(_: Settings) -> Told:
            if self.meanwhile:
                book(folder, self.meanwhile.pop(0))
            return Told(self.balance_mxn)

        monkeypatch.setattr("dailies.settle.ask_account", ask)
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
    assert read_seen(folder.path / "settled.json") is None


async def test_what_is_remembered_is_of_one_instant(folder: LedgerFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    await Account("100", completed(make_entry("a"))).settle(folder, monkeypatch)

    seen = read_seen(folder.path / "settled.json")
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
