"""The submit rate that many machines share: a global concurrency limit on the Prefect server."""

import math
from functools import partial

from prefect import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.asyncio import rate_limit
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from dailies.pacing.gate import Gatekeeper

SUBMITS = "dailies-submits"
"""The limit's name. Its slots are submits that may come at once; ``slot_decay_per_second`` is the rate."""


async def ensure_limit(submits_per_s: float) -> bool:
    """Make the limit if it is missing; one that exists is left as it is, it may have been tuned in the UI.

    Returns:
        Whether it was made.
    """
    async with get_client() as client:
        try:
            await client.read_global_concurrency_limit_by_name(SUBMITS)
        except ObjectNotFound:
            limit = GlobalConcurrencyLimitCreate(
                name=SUBMITS, limit=max(1, math.ceil(submits_per_s)), slot_decay_per_second=submits_per_s
            )
            try:
                await client.create_global_concurrency_limit(limit)
            except ObjectAlreadyExists:  # by another run, just now
                return False
            return True
    return False


def share_turns(gate: Gatekeeper) -> None:
    """Let each turn to submit of this process also be asked for at the Prefect server."""
    gate.elsewhere = partial(rate_limit, SUBMITS, strict=True)
