"""Reacts to cancellation (in the UI, by `prefect flow-run cancel`) and to SIGTERM from the parent of the process.

A worker cancels a run by SIGTERM and gives it 30 s. Prefect's own handler raises wherever the process happens to be,
which may be inside one row; this one sets the run's stop flag instead, so that the run ends in good order.
"""

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from functools import partial
from uuid import UUID

import httpx
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

from dailies.run.stop import Stop, StopCause

WATCH_EVERY_S = 10.0
_CANCELLED = "the run was cancelled"
_TERMINATED = "the process received SIGTERM"


@contextlib.asynccontextmanager
async def stop_on_cancel(stop: Stop, *run_ids: str) -> AsyncIterator[None]:
    """While the block runs, stop everything when one of these flow runs is cancelled, or on SIGTERM."""
    watch = asyncio.create_task(_watch(stop, run_ids))
    try:
        with _stop_on_sigterm(stop):
            yield
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        await _read_states(stop, run_ids)  # who sent SIGTERM, and a cancellation in the last seconds


async def _watch(stop: Stop, run_ids: tuple[str, ...]) -> None:
    while True:
        await asyncio.sleep(WATCH_EVERY_S)
        await _read_states(stop, run_ids)


async def _read_states(stop: Stop, run_ids: tuple[str, ...]) -> None:
    mine = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run_id) for run_id in run_ids]))
    with contextlib.suppress(httpx.HTTPError, RuntimeError):  # a server that does not answer cancels nothing
        async with get_client() as client:
            runs = await client.read_flow_runs(flow_run_filter=mine)
        if any(run.state and (run.state.is_cancelling() or run.state.is_cancelled()) for run in runs):
            stop.everything(_CANCELLED)


@contextlib.contextmanager
def _stop_on_sigterm(stop: Stop) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # only the main thread receives signals
        yield
        return
    loop = asyncio.get_running_loop()
    end = partial(loop.call_soon_threadsafe, stop.everything, _TERMINATED, StopCause.TERMINATED)
    before = signal.signal(signal.SIGTERM, lambda *_: end())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
