"""Fanning out, without a server: how many rows are out at a time, and what a batch's end means for its run."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.states import Cancelled, Completed, Failed

from dailies.ledger.entry import EntryStatus
from dailies.ledger.manifest import ClaimedRow, Manifest
from dailies.pacing.pace import Pace
from dailies.run.stop import Stop, StopLevel
from flows import fan_out as fanout
from flows.final_states import batch_state, superseded
from tests.factories import make_entry


def batches(*sizes: int) -> list[Manifest]:
    """Batches of so many rows each."""
    row = ClaimedRow(make_entry(), ("fal/kling-2",))
    return [Manifest(f"20261112T180000-{n:08x}", "prompts.csv", "run", (row,) * size) for n, size in enumerate(sizes)]


class Pool:
    """A work pool that ends its oldest run at every look, and remembers the most rows that were out at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, in_flight: int, ends: dict[int, Any] | None = None) -> None:
        self.started: list[str] = []
        self.most_rows = 0
        self.cancelled: list[UUID] = []
        self._ends = ends or {}
        self._sizes: dict[UUID, int] = {}
        self._rows: dict[str, int] = {}
        pace = Pace(10.0, in_flight)
        self.context: Any = SimpleNamespace(gate=SimpleNamespace(pace=pace), stop=Stop())
        monkeypatch.setattr(fanout, "_WATCH_EVERY_S", 0.001)
        monkeypatch.setattr(fanout, "ensure_limit", self._nothing)
        monkeypatch.setattr(fanout, "arun_deployment", self._start)
        monkeypatch.setattr(fanout, "_ended", self._ended)
        monkeypatch.setattr(fanout, "_count", lambda *_: None)
        monkeypatch.setattr(fanout, "_end", self._cancel)

    async def run(self, manifests: list[Manifest]) -> None:
        self._rows = {manifest.batch_id: len(manifest.rows) for manifest in manifests}
        await fanout.run_elsewhere(self.context, manifests)

    async def _nothing(self, *_: Any) -> None:
        pass

    async def _start(self, _name: str, *, parameters: dict[str, str], **_: Any) -> Any:
        run_id = uuid4()
        self.started.append(parameters["batch_id"])
        self._sizes[run_id] = self._rows[parameters["batch_id"]]
        self.most_rows = max(self.most_rows, sum(self._sizes.values()))
        return SimpleNamespace(id=run_id)

    async def _ended(self, running: dict[UUID, Manifest]) -> dict[UUID, Any]:
        oldest = next(iter(running))
        self._sizes.pop(oldest, None)
        return {oldest: self._ends.get(len(self.started), Completed())}

    async def _cancel(self, running: dict[UUID, Manifest]) -> None:
        self.cancelled.extend(running)


async def test_no_more_rows_are_out_than_may_be_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(monkeypatch, in_flight=500)
    manifests = batches(250, 250, 250, 100, 250)
    await pool.run(manifests)
    assert pool.started == [manifest.batch_id for manifest in manifests]
    assert pool.most_rows <= 500


async def test_a_batch_that_is_larger_than_the_cap_runs_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(monkeypatch, in_flight=100)
    await pool.run(batches(250, 250))
    assert len(pool.started) == 2
    assert pool.most_rows == 250


async def test_after_a_failed_batch_no_other_is_started_and_those_that_run_end_by_themselves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool = Pool(monkeypatch, in_flight=200, ends={2: Failed(message="the balance is used up")})
    await pool.run(batches(100, 100, 100))
    assert len(pool.started) == 2
    assert pool.context.stop.level is StopLevel.NO_SUBMITS
    assert "the balance is used up" in str(pool.context.stop.reason)
    assert pool.cancelled == []


async def test_after_a_failed_batch_jobs_are_still_collected_where_nothing_else_is_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What runs elsewhere would submit its other rows: those jobs are left to the next run."""
    pool = Pool(monkeypatch, in_flight=2, ends={1: Failed(message="the balance is used up")})
    planned = ClaimedRow(make_entry(), ("fal/kling-2",))
    sent = replace(planned, entry=make_entry(status=EntryStatus.PROCESSING, job_id="job-1"))
    begun, planned_only, mixed, jobs_only = batches(2, 2, 2, 2)
    mixed, jobs_only = replace(mixed, rows=(sent, planned)), replace(jobs_only, rows=(sent, sent))
    await pool.run([begun, planned_only, mixed, jobs_only])
    assert pool.started == [begun.batch_id, jobs_only.batch_id]


async def test_a_cancelled_run_waits_for_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(monkeypatch, in_flight=2, ends={2: Cancelled(message="by hand")})
    await pool.run(batches(1, 1, 2))
    assert len(pool.started) == 2
    assert len(pool.cancelled) == 1


async def test_cancelling_one_batch_cancels_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(monkeypatch, in_flight=200, ends={2: Cancelled(message="by hand")})
    await pool.run(batches(100, 100, 100))
    assert len(pool.started) == 2
    assert len(pool.cancelled) == 1


async def test_a_batch_that_somebody_else_owns_is_a_fault_and_no_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = {1: superseded(fanout.FencedError("batch belongs to another run"))}
    pool = Pool(monkeypatch, in_flight=100, ends=ends)
    await pool.run(batches(100, 100))
    assert isinstance(pool.context.stop.reason, fanout.FencedError)


def test_a_batch_ends_as_what_stopped_it() -> None:
    wish, fault = Stop(), Stop()
    wish.everything("the run was cancelled")
    fault.submits(fanout.LedgerError("the balance is used up"))
    assert batch_state(wish, 2, []).is_cancelled()
    assert batch_state(fault, 2, []).is_failed()
    assert batch_state(Stop(), 2, []).is_completed()
