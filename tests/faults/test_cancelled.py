"""A run without Prefect that is cancelled, or cannot be set up, in a process that lives on."""

import asyncio

import pytest

from dailies.errors import LedgerError
from dailies.ledger.entry import EntryStatus
from dailies.reconcile.settle import settle_ledger
from tests.faults.place import Place
from tests.workplace import wait_until
from tools.chaos.promises import breaches_after_a_crash, breaches_at_the_end
from tools.run_directly import run_directly


async def test_a_cancelled_run_leaves_nothing_at_work_and_loses_no_job(
    direct: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled while rows of the first batch wait for their turn and answers to submits are on their way."""
    direct.sandbox.set_faults({"kind": "slow", "routes": ["submit"], "seconds": 0.5})
    monkeypatch.setenv("DAILIES_BATCH_SIZE", "40")
    settings = direct.settings(monkeypatch).model_copy(update={"submit_rate_per_s": 20.0})
    csv = direct.write_csv(60)
    before = asyncio.all_tasks()
    run = asyncio.create_task(run_directly(settings, csv))
    await asyncio.to_thread(wait_until, direct.sandbox.jobs)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run

    assert asyncio.all_tasks() == before
    assert not list(direct.ledger.journals.iterdir())
    assert {job.id for job in direct.sandbox.jobs()} == {entry.job_id for entry in direct.entries() if entry.job_id}
    assert list(breaches_after_a_crash(direct.ledger, direct.sandbox)) == []
    direct.sandbox.set_faults()
    assert direct.run_csv(csv) == 0, direct.said()
    assert list(breaches_at_the_end(direct.ledger, direct.sandbox, 60)) == []


async def test_what_was_claimed_is_let_go_of_where_the_run_cannot_be_set_up(
    direct: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    direct.sandbox.set_faults({"kind": "stuck_job"})
    settings, csv = direct.settings(monkeypatch), direct.write_csv(2)
    direct.run_csv(csv, "after-id:2")
    with monkeypatch.context() as broken:
        broken.setattr("dailies.run.context.read_past", _refuse)
        with pytest.raises(LedgerError, match="a bad disk"):
            await settle_ledger(settings, direct.ledger, "settle")
        with pytest.raises(LedgerError, match="a bad disk"):
            await run_directly(settings, csv)
    direct.sandbox.set_faults()
    settled = await settle_ledger(settings, direct.ledger, "settle")

    assert (settled.live, settled.polled.total()) == (0, 2)
    assert {entry.status for entry in direct.entries()} <= {EntryStatus.PROCESSING, EntryStatus.COMPLETED}


def _refuse(*_: object) -> None:
    raise LedgerError("a bad disk")
