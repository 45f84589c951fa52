"""Fanning out: each batch is a run of the deployment `batch`, on whatever machine its work pool has."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import State
from prefect.deployments.flow_runs import arun_deployment
from prefect.states import Cancelling

from dailies.errors import FencedError, LedgerError
from dailies.ledger.journal import replay
from dailies.ledger.manifest import Manifest
from dailies.run.context import Production
from flows.final_states import SUPERSEDED
from tasks.name import rows_and_money
from tasks.submit_rate import ensure_limit

DEPLOYMENT = "batch/batch"
_LOOK_EVERY_S = 3.0
_GRACE_S = 15.0


async def shoot_elsewhere(production: Production, batches: Iterable[Manifest]) -> None:
    """Run every batch as a deployment; no more rows are out at a time than may be in flight."""
    await ensure_limit(production.gate.pace.submits_per_s)
    running: dict[UUID, Manifest] = {}
    for manifest in batches:
        while _may_begin(production, manifest) and _is_full(production, running, manifest):
            await _look(production, running)
        if not _may_begin(production, manifest):
            continue
        child = await arun_deployment(
            DEPLOYMENT,
            parameters={"batch_id": manifest.batch_id},
            flow_run_name=f"{Path(manifest.source).name} · {rows_and_money(manifest.rows)}",
            timeout=0,
            idempotency_key=manifest.batch_id,
        )
        running[child.id] = manifest
    while running and production.stop.may_poll:
        await _look(production, running)
    if running:
        await _end(running)


def _may_begin(production: Production, manifest: Manifest) -> bool:
    """When nothing may be submitted any more, only what has nothing to submit: it does not see this run's stop flag."""
    stop = production.stop
    return stop.may_submit or (stop.may_poll and manifest.jobs == len(manifest.rows))


def _is_full(production: Production, running: dict[UUID, Manifest], manifest: Manifest) -> bool:
    rows = sum(len(other.rows) for other in running.values())
    return bool(running) and rows + len(manifest.rows) > production.gate.pace.in_flight


async def _look(production: Production, running: dict[UUID, Manifest]) -> None:
    """Wait a little, take note of how the batches stand, and drop those that have ended."""
    stopped = asyncio.create_task(production.stop.wait())
    await asyncio.wait([stopped], timeout=_LOOK_EVERY_S)
    stopped.cancel()
    ended = await _ended(running)
    for run_id, manifest in list(running.items()):
        await asyncio.to_thread(_count, production, manifest)
        if run_id in ended:
            del running[run_id]
            _judge(production, manifest, ended[run_id])


async def _ended(running: Iterable[UUID]) -> dict[UUID, State]:
    theirs = FlowRunFilter(id=FlowRunFilterId(any_=list(running)))
    async with get_client() as client:
        runs = await client.read_flow_runs(flow_run_filter=theirs)
    return {run.id: run.state for run in runs if run.state is not None and run.state.is_final()}


def _count(production: Production, manifest: Manifest) -> None:
    """Read a batch's journal, or the ledger once it is folded, for the run's progress."""
    try:
        entries = list(replay(production.folder.journals / manifest.batch_id).latest())
    except FileNotFoundError:
        entries = production.folder.entries(row.entry.row_key for row in manifest.rows)
        entries.sort(key=lambda entry: entry.attempt)
    for entry in entries:
        production.progress.see(entry)


def _judge(production: Production, manifest: Manifest, state: State) -> None:
    """A batch that did not come to its own end stops the run; what is open is picked up by the next one."""
    words = f"batch {manifest.batch_id}: {state.message or state.name}"
    if state.is_cancelled() and state.name != SUPERSEDED:
        production.stop.everything(words)
    elif not state.is_completed():
        kind = FencedError if state.name == SUPERSEDED else LedgerError
        production.stop.submits(kind(words))


async def _end(running: dict[UUID, Manifest]) -> None:
    """Cancel what still runs and give it time to fold; whatever does not end is fenced when this run folds."""
    async with get_client() as client:
        for run_id in running:
            await client.set_flow_run_state(run_id, Cancelling(message="the run that claimed this batch was stopped"))
    for _ in range(round(_GRACE_S / _LOOK_EVERY_S)):
        await asyncio.sleep(_LOOK_EVERY_S)
        for run_id in await _ended(running):
            del running[run_id]
        if not running:
            return
