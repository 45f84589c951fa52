"""Heeding a wish to stop: Cancel in the UI, `prefect flow-run cancel`, and SIGTERM from whoever runs the process.

A worker cancels a run by SIGTERM and gives it 30 s. Prefect's own handler raises wherever the process happens to be,
which may be inside one row; this one sets the run's stop flag instead, so that it ends in good order.
"""

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import httpx
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

from dailies.run.context import Production
from dailies.run.stop import Stop

WATCH_EVERY_S = 10.0
CANCELLED = "the run was cancelled"
TERMINATED = "the process was told to end (SIGTERM)"


@contextlib.asynccontextmanager
async def heeding(production: Production, *run_ids: str) -> AsyncIterator[None]:
    """While the block runs, everything stops when one of these flow runs is cancelled, or on SIGTERM."""
    watch = asyncio.create_task(_watch(production.stop, run_ids))
    try:
        with _listening(production.stop):
            yield
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        await _look(production.stop, run_ids)  # whose wish SIGTERM was; and a click in the last seconds


async def _watch(stop: Stop, run_ids: tuple[str, ...]) -> None:
    while True:
        await asyncio.sleep(WATCH_EVERY_S)
        await _look(stop, run_ids)


async def _look(stop: Stop, run_ids: tuple[str, ...]) -> None:
    mine = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run_id) for run_id in run_ids]))
    with contextlib.suppress(httpx.HTTPError, RuntimeError):  # a server that does not answer cancels nothing
        async with get_client() as client:
            runs = await client.read_flow_runs(flow_run_filter=mine)
        if any(run.state and (run.state.is_cancelling() or run.state.is_cancelled()) for run in runs):
            stop.everything(CANCELLED)
            if stop.reason == TERMINATED:
                stop.reason = CANCELLED


@contextlib.contextmanager
def _listening(stop: Stop) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # signals come to the main thread alone
        yield
        return
    loop = asyncio.get_running_loop()
    before = signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(stop.everything, TERMINATED))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
