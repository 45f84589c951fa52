"""What follows when the videos are there: copies in the user's own place, and the report."""

from typing import Any

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed

from dailies.errors import DailiesError
from dailies.ledger.entry import EntryStatus
from dailies.ledger.folder import LedgerFolder
from dailies.planning.outcome import Outcome, Verdict
from dailies.settings import Settings
from tasks.report import write_run_report


async def deliver(folder: LedgerFolder, outcome: Outcome, settings: Settings) -> str:
    """Mirror, if that is wanted, then write the report, which shows the copies.

    Neither can undo what was bought: a report that cannot be written is logged.

    Returns:
        What the mirror has to complain of; empty if there is nothing.
    """
    complaint = await _mirror(outcome, settings)
    try:
        await write_run_report(folder, outcome, settings)
    except (DailiesError, OSError) as error:
        get_run_logger().error("the report cannot be written: %s; dailies report tries again", error)
    return complaint


async def _mirror(outcome: Outcome, settings: Settings) -> str:
    done = sorted({entry.batch_id for entry in outcome.entries() if entry.status is EntryStatus.COMPLETED})
    if settings.mirror_to is None or not done:
        return ""
    from flows.mirror import mirror  # FFmpeg comes along, 15 MB that a run without copies does not need

    state: State[Any] = await mirror(settings.mirror_to, batches=done, return_state=True)
    return "" if state.is_completed() else f"Mirror: {state.message}"


def delivered(state: State[Any], complaint: str) -> State[Any]:
    """Return the final state of a run whose videos did not all arrive: partial where it would have been complete."""
    if not complaint or not state.is_completed():
        return state
    name = Verdict.OPEN.value if state.name == Verdict.OPEN.value else Verdict.PARTIAL.value
    return Completed(name=name, message=f"{state.message} {complaint}")
