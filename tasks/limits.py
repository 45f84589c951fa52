"""The submit rate that many machines share: a global concurrency limit on the Prefect server."""

import math

from prefect import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.asyncio import rate_limit
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from dailies.production import Gatekeeper

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


class SharedTurns(Gatekeeper):
    """This process's turns to submit, each of them also asked for at the Prefect server."""

    def __init__(self, own: Gatekeeper) -> None:
        self._own = own

    async def turn(self) -> None:
        """Wait for this row's turn to submit."""
        await self._own.turn()
        await rate_limit(SUBMITS, strict=True)

    async def ready(self) -> None:
        """Wait until the service wants to hear from us again."""
        await self._own.ready()

    def pause(self, seconds: float) -> None:
        """The service said 429: everybody here waits."""
        self._own.pause(seconds)
