"""What a flow run is called and tagged once it is known what it has to do."""

from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

from prefect import get_client
from prefect.runtime import flow_run

from dailies.ledger.manifest import ClaimedRow
from dailies.pricing import ZERO


async def name_run(name: str, rows: Iterable[ClaimedRow] = ()) -> None:
    """Rename this flow run, and tag it with the providers and models of its rows."""
    entries = [row.entry for row in rows]
    theirs = {str(entry.provider) for entry in entries} | {str(entry.model) for entry in entries}
    async with get_client() as client:
        if theirs:
            await client.update_flow_run(UUID(flow_run.id), tags=sorted({*flow_run.tags, *theirs}))
        await client.update_flow_run(UUID(flow_run.id), name=name)


def rows_and_money(rows: Iterable[ClaimedRow]) -> str:
    """How many rows, and what they may cost at worst: ``24 rows · at most 176.40 MXN``."""
    entries = [row.entry for row in rows]
    worst: Decimal = sum((entry.worst_mxn or ZERO for entry in entries), ZERO)
    return f"{len(entries)} row{'' if len(entries) == 1 else 's'} · at most {worst:,.2f} MXN"
