"""Record a batch: its journal is folded into the ledger and removed."""

import asyncio

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal_fold import fold_batch


@task(name="record", task_run_name="record {batch_id}", cache_policy=NO_CACHE, persist_result=False)
async def record_batch(folder: LedgerFolder, batch_id: str, by: str) -> int:
    """Fold one batch under the ledger's lock; return the number of its entries, 0 if another process folded it."""
    # In a thread: waiting for the ledger's lock must not keep other batches from polling.
    state = await asyncio.to_thread(fold_batch, folder, batch_id, by)
    entries = len(state.entries) if state else 0
    get_run_logger().info("batch %s: %d entries are in the ledger", batch_id, entries)
    return entries
