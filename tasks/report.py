"""Write the report of a run next to its results, and link it."""

from pathlib import Path

from prefect import get_run_logger, task
from prefect.artifacts import acreate_link_artifact
from prefect.cache_policies import NO_CACHE

from dailies.ledger.folder import LedgerFolder
from dailies.planning.outcome import Outcome
from dailies.report.html.in_subprocess import report_in_subprocess
from dailies.settings import Settings


@task(name="report", cache_policy=NO_CACHE, retries=0, persist_result=False)
async def write_run_report(folder: LedgerFolder, outcome: Outcome, settings: Settings) -> Path | None:
    """Write one HTML file with the videos, their cost and what is missing; see ``report_run``."""
    path = await report_in_subprocess(folder, outcome, settings)
    if path is not None:
        url = path.resolve().as_uri()
        await acreate_link_artifact(url, key="report", link_text=path.name, description="Videos, cost, what is missing")
        get_run_logger().info("report: %s", path)
    return path
