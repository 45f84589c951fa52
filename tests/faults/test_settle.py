"""Settling what dead runs left: collected without ordering anything, and held against the account."""

import json
import subprocess
import sys
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from dailies.ledger.entry import EntryStatus
from dailies.ledger.snapshot import read_rows
from dailies.reconcile.account import AccountReport, ask_account
from dailies.reconcile.settle import settle_ledger
from dailies.settings import Settings
from dailies.system.failpoints import VARIABLE
from tests.faults.place import Place, open_place
from tests.workplace import wait_until
from tools.chaos.promises import breaches_after_a_crash, breaches_at_the_end
from tools.run_directly import run_directly

_FLOW = "import asyncio; from flows.settle import settle; asyncio.run(settle())"


def settle(place: Place, *arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """`dailies settle` to its end."""
    return place.run("settle", *arguments, **env)


def leave_open(place: Place, rows: int) -> Path:
    """A CSV whose run was killed when every row had its job."""
    csv = place.write_csv(rows)
    place.run_csv(csv, f"after-id:{rows}", DAILIES_GIVE_UP_AFTER_S="20000")
    assert len(place.sandbox.jobs()) == rows
    time.sleep(0.5)  # the sandbox renders 1000 times faster than real
    return csv


def test_jobs_that_a_dead_run_left_are_collected_and_the_books_agree(direct: Place) -> None:
    csv = leave_open(direct, 8)
    done = settle(direct)
    assert done.returncode == 0, done.stdout
    assert "Recovered 1 journal of interrupted runs." in done.stdout
    assert "they agree" in done.stdout
    assert list(breaches_at_the_end(direct.ledger, direct.sandbox, 8)) == []
    assert direct.run_csv(csv) == 0
    assert len(direct.sandbox.jobs()) == 8


@pytest.mark.parametrize(
    "failpoint",
    ["after-poll:3", *(pytest.param(point, marks=pytest.mark.slow) for point in ("after-manifest", "after-fold:2"))],
)
def test_a_settlement_that_is_killed_is_settled_by_the_next_one(direct: Place, failpoint: str) -> None:
    leave_open(direct, 5)
    settle(direct, **{VARIABLE: failpoint})
    assert list(breaches_after_a_crash(direct.ledger, direct.sandbox)) == []
    assert settle(direct).returncode == 0
    assert list(breaches_at_the_end(direct.ledger, direct.sandbox, 5)) == []


def test_a_charge_that_is_not_in_the_books_is_told(direct: Place) -> None:
    """Another program uses the same account."""
    assert direct.run_csv(direct.write_csv(2)) == 0
    headers = {"authorization": f"Bearer {direct.sandbox.api_key}"}
    with httpx.Client(base_url=f"{direct.sandbox.base_url}/", headers=headers, trust_env=False) as api:
        job = api.post("videos/generations", json={"model": "fal/kling-2", "prompt": "mine"}).json()["id"]
        wait_until(lambda: api.get(f"videos/{job}").json()["status"] == "completed")
    settled = settle(direct)
    assert settled.returncode == 1
    assert "4.200000 MXN more than is booked here" in settled.stdout
    facts = json.loads(settle(direct, "--json").stdout)
    assert facts["comparison"]["difference_mxn"] == "4.200000"


def test_a_settlement_leaves_living_runs_alone(direct: Place) -> None:
    direct.sandbox.set_faults({"kind": "stuck_job", "pattern": "number 1 "})
    csv = direct.write_csv(3)
    with direct.begin(csv) as process:
        wait_until(lambda: direct.has_ledger and direct.sandbox.consumed_mxn() >= 8)
        beside = settle(direct)
        process.kill()
    assert beside.returncode == 3
    assert "At work: 1 batch of other runs." in beside.stdout
    assert "Not compared with the account: other runs were at work meanwhile. Settle again" in beside.stdout


def journalled(place: Place) -> Counter[EntryStatus]:
    """How the rows of the runs that are at work stand."""
    return Counter(row.entry.status for row in read_rows(place.ledger, ()).live.values())


@pytest.mark.parametrize(("runs", "exit_code"), [(1, 0), (3, 3)])
async def test_a_run_that_comes_and_goes_while_the_account_is_asked_is_no_difference(
    direct: Place, monkeypatch: pytest.MonkeyPatch, runs: int, exit_code: int
) -> None:
    settings = direct.settings(monkeypatch)
    csvs = [direct.write_csv(rows + 1, f"{rows}.csv") for rows in range(runs)]

    async def ask(settings: Settings) -> AccountReport:
        account = await ask_account(settings)
        if csvs:
            await run_directly(settings, csvs.pop(0))
        return account

    monkeypatch.setattr("dailies.reconcile.settle.ask_account", ask)
    found = await settle_ledger(settings, direct.ledger, "settle")
    assert found.exit_code == exit_code, found
    assert (found.comparison is None, found.booked.charges) == (exit_code == 3, runs)


async def test_a_run_that_is_killed_while_the_account_is_asked_is_folded_before_they_are_compared(
    direct: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = direct.settings(monkeypatch)
    direct.sandbox.set_faults({"kind": "stuck_job", "pattern": "number 1 "})
    with direct.begin(direct.write_csv(3)) as process:
        wait_until(lambda: direct.has_ledger and journalled(direct)[EntryStatus.COMPLETED] == 2)

        async def ask(settings: Settings) -> AccountReport:
            account = await ask_account(settings)
            process.kill()
            process.wait()
            return account

        monkeypatch.setattr("dailies.reconcile.settle.ask_account", ask)
        found = await settle_ledger(settings, direct.ledger, "settle")
    assert (found.live, len(found.folded), found.booked.charges) == (0, 1, 2)
    assert found.comparison is not None
    assert (found.comparison.difference_mxn, found.exit_code) == (0, 3)


def test_what_still_renders_stays_open(direct: Place) -> None:
    direct.sandbox.set_faults({"kind": "stuck_job"})
    leave_open(direct, 2)
    found = settle(direct)
    assert found.returncode == 3
    assert "Still rendering: 2 jobs" in found.stdout
    assert {entry.status for entry in direct.entries()} == {EntryStatus.PROCESSING}


def test_a_charge_of_a_job_that_was_given_up_is_explained_by_it(direct: Place) -> None:
    """Killed between the poll that was charged and its journal, then given up by hand."""
    csv = direct.write_csv(1)
    direct.sandbox.set_faults({"kind": "slow", "routes": ["poll"], "seconds": 0.5})
    with direct.begin(csv) as process:
        wait_until(lambda: direct.sandbox.consumed_mxn() > 0 or process.poll() is not None)
        process.kill()
    direct.sandbox.set_faults()
    given_up = direct.run("abandon", "--csv", csv, "2")
    assert given_up.returncode == 0, given_up.stdout
    assert "up to 4.200000 MXN stay reserved" in given_up.stdout
    settled = settle(direct)
    assert settled.returncode == 0, settled.stdout
    assert "Unknown: 1 charge, at most 4.200000 MXN" in settled.stdout
    assert direct.run_csv(csv) == 0, direct.said()
    assert len(direct.sandbox.jobs()) == 2, "it was given up, so its row was ordered anew"


def test_a_last_poll_before_giving_up_finds_a_charge_whose_record_was_lost(direct: Place) -> None:
    """Killed between the poll that was charged and its journal: the video is not ordered and paid a second time."""
    csv = direct.write_csv(1)
    direct.sandbox.set_faults({"kind": "slow", "routes": ["poll"], "seconds": 0.5})
    with direct.begin(csv) as process:
        wait_until(lambda: direct.sandbox.consumed_mxn() > 0 or process.poll() is not None)
        process.kill()
    direct.sandbox.set_faults()
    said = direct.run("abandon", "--csv", csv, "2", "--poll")
    assert said.returncode == 0, said.stdout
    assert "you may pay twice" in said.stdout
    assert "Not given up" in said.stdout
    assert "is completed, 4.200000 MXN" in " ".join(said.stdout.split())
    assert direct.run_csv(csv) == 0, direct.said()
    assert (len(direct.sandbox.jobs()), direct.sandbox.consumed_mxn()) == (1, Decimal("4.2"))


def test_a_job_that_still_renders_at_its_last_poll_is_given_up(direct: Place) -> None:
    direct.sandbox.set_faults({"kind": "stuck_job"})
    leave_open(direct, 1)
    said = direct.run("abandon", "--csv", "prompts.csv", "2", "--poll")
    assert said.returncode == 0, said.stdout
    assert "Given up: row" in said.stdout
    assert {entry.status for entry in direct.entries()} == {EntryStatus.ABANDONED}


def test_failed_rows_come_back_as_a_csv_and_run_again(direct: Place) -> None:
    direct.sandbox.set_faults({"kind": "content_filter", "pattern": "number 2 "})
    csv = direct.write_csv(3)
    assert direct.run_csv(csv) == 1
    again = direct.path / "again.csv"
    written = direct.run("failed", csv, "-o", again)
    assert written.returncode == 0, written.stdout
    assert "1 failed row" in written.stdout
    direct.sandbox.set_faults()
    assert direct.run_csv(again) == 1, "the same request is the same row, and it has failed for good"
    again.write_text(again.read_text("utf-8").replace("lighthouse", "lamp"), "utf-8")
    assert direct.run_csv(again) == 0, "a changed prompt is a new request"


def test_the_ledger_verifies_itself(direct: Place) -> None:
    assert direct.run_csv(direct.write_csv(3)) == 0
    sound = direct.run("ledger", "verify")
    assert sound.returncode == 0, sound.stdout
    assert "12.600000 MXN" in sound.stdout


@pytest.mark.e2e
def test_the_settle_flow_collects_and_compares_in_prefect(tmp_path: Path, prefect_api_url: str) -> None:
    with open_place(tmp_path, prefect_api_url) as place:
        csv = place.write_csv(4)
        killed = [sys.executable, "-m", "tools.run_directly", str(csv)]
        subprocess.run(killed, env={**place.env, VARIABLE: "after-id:4"}, cwd=tmp_path, check=False)
        time.sleep(0.5)
        subprocess.run([sys.executable, "-c", _FLOW], env=place.env, cwd=tmp_path, check=True)
        assert list(breaches_at_the_end(place.ledger, place.sandbox, 4)) == []
        with httpx.Client(base_url=prefect_api_url, trust_env=False) as api:
            wanted = {"flows": {"name": {"any_": ["settle"]}}, "sort": "START_TIME_DESC", "limit": 1}
            (run,) = api.post("/flow_runs/filter", json=wanted).json()
            assert run["state"]["name"] == "Completed"
            assert "they agree" in run["state"]["message"]
            artifacts = api.post("/artifacts/filter", json={"artifacts": {"flow_run_id": {"any_": [run["id"]]}}}).json()
            assert [artifact["key"] for artifact in artifacts] == ["settlement"]


def test_an_fx_that_changed_behind_our_back_shows_as_a_difference(direct: Place) -> None:
    """Ordered at 20 MXN for a dollar, charged at 25, while the settings still say 20."""
    direct.sandbox.set_faults({"kind": "set_fx", "after": 1, "fx_mxn_per_usd": "25"})
    assert direct.run_csv(direct.write_csv(2)) == 0
    settled = settle(direct)
    assert settled.returncode == 1
    assert "MXN more than is booked here" in settled.stdout
