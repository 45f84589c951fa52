"""The submit rate that many machines share: a global concurrency limit on the Prefect server."""

import contextlib
import math

from prefect import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.asyncio import rate_limit
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

SUBMITS = "dailies-submits"
"""The limit's name. Its slots are submits that may come at once; ``slot_decay_per_second`` is the rate."""


async def ensure_limit(submits_per_s: float) -> None:
    """Create the limit if it is missing. An existing one stays: a person may have tuned it in the UI."""
    async with get_client() as client:
        try:
            await client.read_global_concurrency_limit_by_name(SUBMITS)
        except ObjectNotFound:
            limit = GlobalConcurrencyLimitCreate(
                name=SUBMITS, limit=max(1, math.ceil(submits_per_s)), slot_decay_per_second=submits_per_s
            )
            with contextlib.suppress(ObjectAlreadyExists):  # another run has just created it
                await client.create_global_concurrency_limit(limit)


async def shared_turn() -> None:
    """Wait for a turn to submit at the Prefect server, which all machines share."""
    await rate_limit(SUBMITS, strict=True)
