"""Recover interrupted runs, poll each open job once, compare ledger and account."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field, WithJsonSchema

from dailies.ledger.folder import open_ledger
from dailies.planning.outcome import Verdict
from dailies.reconcile.settle import POLL_ONCE, settle_ledger
from dailies.reconcile.wording import settlement_lines, verdict_of
from dailies.run.run_rows import Steps
from dailies.wording import plain_markdown
from tasks.alarm import tell_overdue
from tasks.credentials import load_run_settings
from tasks.poll import poll_once

Mxn = Annotated[
    Decimal | None,
    Field(ge=0, max_digits=18, decimal_places=6),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1e9}),
]


@flow(name="settle", retries=0, persist_result=False)
async def settle(credited_mxn: Mxn = None) -> State[Any]:
    """Poll every job that runs left open, and compare the ledger with the account. Nothing is ordered.

    Args:
        credited_mxn: What was paid in since the last settlement, in MXN; unknown if you leave it out.

    Raises:
        LedgerError: the ledger cannot be read or written.
        ServiceError: the service refuses the key, or cannot be reached.
    """
    settings = await load_run_settings()
    folder = open_ledger(settings)
    settlement = await settle_ledger(
        settings, folder, str(flow_run.id), credited_mxn=credited_mxn, steps=Steps(POLL_ONCE.submit, poll_once)
    )
    await tell_overdue(folder, datetime.now(UTC))
    verdict = verdict_of(settlement)
    lines = [f"- {plain_markdown(line)}" for line in settlement_lines(settlement)]
    await acreate_markdown_artifact(
        "\n".join(["# Settlement", "", *lines, "", plain_markdown(verdict)]), key="settlement"
    )
    if settlement.exit_code == 1:
        return Failed(message=verdict)
    return Completed(name=(Verdict.OPEN if settlement.exit_code else Verdict.DONE).value, message=verdict)
