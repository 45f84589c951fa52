"""Fan-out: each batch is a run of the deployment `batch`, on any machine of its work pool."""

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
from dailies.run.context import RunContext
from flows.final_states import SUPERSEDED
from tasks.artifacts import rows_and_money
from tasks.submit_rate import ensure_limit

DEPLOYMENT = "batch/batch"
_WATCH_EVERY_S = 3.0
_GRACE_S = 15.0


async def run_elsewhere(context: RunContext, batches: Iterable[Manifest]) -> None:
    """Run every batch as a deployment; never start more rows than may be in flight."""
    await ensure_limit(context.gate.pace.submits_per_s)
    running: dict[UUID, Manifest] = {}
    for manifest in batches:
        while context.stop.may_begin(manifest, sees_stop=False) and _is_full(context, running, manifest):
            await _watch(context, running)
        if not context.stop.may_begin(manifest, sees_stop=False):
            continue
        child = await arun_deployment(
            DEPLOYMENT,
            parameters={"batch_id": manifest.batch_id},
            flow_run_name=f"{Path(manifest.source).name} · {rows_and_money(manifest.rows)}",
            timeout=0,
            idempotency_key=manifest.batch_id,
        )
        running[child.id] = manifest
    while running and context.stop.may_poll:
        await _watch(context, running)
    if running:
        await _end(running)


def _is_full(context: RunContext, running: dict[UUID, Manifest], manifest: Manifest) -> bool:
    rows = sum(len(other.rows) for other in running.values())
    return bool(running) and rows + len(manifest.rows) > context.gate.pace.in_flight


async def _watch(context: RunContext, running: dict[UUID, Manifest]) -> None:
    """Wait some seconds, read the progress of the batches, and drop those that have ended."""
    stopped = asyncio.create_task(context.stop.wait())
    await asyncio.wait([stopped], timeout=_WATCH_EVERY_S)
    stopped.cancel()
    ended = await _ended(running)
    for run_id, manifest in list(running.items()):
        await asyncio.to_thread(_count, context, manifest)
        if run_id in ended:
            del running[run_id]
            _stop_after(context, manifest, ended[run_id])


async def _ended(running: Iterable[UUID]) -> dict[UUID, State]:
    theirs = FlowRunFilter(id=FlowRunFilterId(any_=list(running)))
    async with get_client() as client:
        runs = await client.read_flow_runs(flow_run_filter=theirs)
    return {run.id: run.state for run in runs if run.state is not None and run.state.is_final()}


def _count(context: RunContext, manifest: Manifest) -> None:
    """Read a batch's journal, or the ledger once the batch is folded, for the run's progress."""
    try:
        entries = list(replay(context.folder.journals / manifest.batch_id).latest())
    except FileNotFoundError:
        entries = context.folder.entries(row.entry.row_key for row in manifest.rows)
        entries.sort(key=lambda entry: entry.attempt)
    for entry in entries:
        context.progress.see(entry)


def _stop_after(context: RunContext, manifest: Manifest, state: State) -> None:
    """Stop the run after a batch that did not end by itself; the next run continues what is open."""
    words = f"batch {manifest.batch_id}: {state.message or state.name}"
    if state.is_cancelled() and state.name != SUPERSEDED:
        context.stop.everything(words)
    elif not state.is_completed():
        kind = FencedError if state.name == SUPERSEDED else LedgerError
        context.stop.submits(kind(words))


async def _end(running: dict[UUID, Manifest]) -> None:
    """Cancel the batches that still run and give them time to fold; this run's fold fences the others."""
    async with get_client() as client:
        for run_id in running:
            await client.set_flow_run_state(run_id, Cancelling(message="the run that claimed this batch was stopped"))
    for _ in range(round(_GRACE_S / _WATCH_EVERY_S)):
        await asyncio.sleep(_WATCH_EVERY_S)
        for run_id in await _ended(running):
            del running[run_id]
        if not running:
            return
