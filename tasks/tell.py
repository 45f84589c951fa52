"""Tell people how a run is doing: Prefect artifacts with the same keys every night, so that their history shows."""

import asyncio
from uuid import UUID

from prefect.artifacts import (
    acreate_link_artifact,
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)

from dailies.production import Production
from dailies.report.outcome import Outcome
from dailies.report.summary import cost_by_model, failures, summary_markdown

_EVERY_S = 2.0


async def tell_progress(production: Production) -> None:
    """Keep the run's one progress artifact up to date, at most every two seconds, until cancelled."""
    progress = production.progress
    artifact = UUID(str(await acreate_progress_artifact(progress=0.0, key="progress", description="rows that ended")))
    shown = 0.0
    try:
        while True:
            await asyncio.sleep(_EVERY_S)
            ended = 100.0 * (progress.completed + progress.failed) / max(progress.total, 1)
            if ended != shown:
                shown = ended
                await aupdate_progress_artifact(artifact, progress=ended, description=_sentence(production))
    finally:
        ended = 100.0 * (progress.completed + progress.failed) / max(progress.total, 1)
        await aupdate_progress_artifact(artifact, progress=ended, description=_sentence(production))


def _sentence(production: Production) -> str:
    progress = production.progress
    return (
        f"{progress.completed} of {progress.total} done, {progress.rendering} rendering, {progress.failed} failed,"
        f" {progress.charged_mxn:,.2f} of at most {progress.worst_mxn:,.2f} MXN"
    )


async def tell_outcome(outcome: Outcome, results: str, note: str) -> None:
    """The closing artifacts: summary, cost by model, failures, a link to the first video."""
    await acreate_markdown_artifact(summary_markdown(outcome, results, note), key="summary")
    if costs := cost_by_model(outcome.entries()):
        await acreate_table_artifact(costs, key="cost-by-model", description="What was charged, by model")
    if failed := failures(outcome):
        await acreate_table_artifact(failed, key="failures", description="Rows without a video, and why")
    if url := next((entry.video_url for entry in outcome.entries() if entry.video_url), None):
        await acreate_link_artifact(url, key="first-video", link_text="the first video")
