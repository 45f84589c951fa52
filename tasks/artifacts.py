"""Prefect artifacts and the names of flow runs. An artifact keeps its key from run to run: so it has a history."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from prefect import get_client
from prefect.artifacts import (
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)
from prefect.runtime import flow_run

from dailies.ledger.entry import LedgerEntry
from dailies.ledger.manifest import ClaimedRow
from dailies.planning.outcome import Outcome
from dailies.planning.plan import Plan
from dailies.pricing import ZERO
from dailies.report.summary import cost_by_model, failures, summary_markdown
from dailies.report.totals import completed, sum_up, worst_by_model
from dailies.run.progress import Progress
from dailies.wording import markdown_target, plain_markdown

_EVERY_S = 2.0
_VIDEOS = 200


async def publish_plan(plan: Plan) -> None:
    """Name and tag the run, and publish what it is about to do and what that may cost."""
    words = rows_and_money(plan.todo) if plan.todo else "nothing to do"
    await name_run(f"{Path(plan.prompts.source).name} · {words}", plan.todo)
    if plan.todo:
        table = [
            {
                **asdict(total),
                "worst_mxn": f"{total.worst_mxn:,.2f}",
                "per_video_mxn": f"{total.worst_mxn / total.videos:,.2f}",
            }
            for total in worst_by_model(row.entry for row in plan.todo)
        ]
        await acreate_table_artifact(table, key="plan", description=f"{plain_markdown(plan.prompts.source)}: {words}")


async def publish_progress(progress: Progress) -> None:
    """Update the run's one progress artifact, at most every two seconds, until cancelled."""
    if progress.total == 0:
        return
    began = time.monotonic()
    artifact = UUID(str(await acreate_progress_artifact(progress=0.0, key="progress", description="Rows that ended")))
    shown = ""
    try:
        while True:
            await asyncio.sleep(_EVERY_S)
            sentence = _sentence(progress, time.monotonic() - began)
            if sentence != shown:
                shown = sentence
                await aupdate_progress_artifact(artifact, progress=_percent(progress), description=sentence)
    finally:
        await aupdate_progress_artifact(artifact, progress=_percent(progress), description=_sentence(progress))


def _percent(progress: Progress) -> float:
    return 100.0 * (progress.completed + progress.failed) / progress.total


def _sentence(progress: Progress, elapsed_s: float | None = None) -> str:
    ended = progress.completed + progress.failed
    parts = [f"{progress.completed} of {progress.total} done", f"{progress.rendering} rendering"]
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    parts.append(f"{progress.charged_mxn:,.2f} of at most {progress.worst_mxn:,.2f} MXN")
    if elapsed_s is not None and 0 < ended < progress.total:
        parts += filter(None, [progress.pace()])
        parts.append(f"about {_minutes(elapsed_s / ended * (progress.total - ended))} to go")
    return ", ".join(parts)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{round(seconds, -1):.0f} s" if seconds >= 10 else "10 s"


async def publish_outcome(outcome: Outcome, results: str, note: str) -> None:
    """Publish summary, cost by model, failures and videos, and put the cost into the run's name."""
    await acreate_markdown_artifact(summary_markdown(outcome, results, note), key="summary")
    if costs := cost_by_model(outcome.entries()):
        await acreate_table_artifact(costs, key="cost-by-model", description="What was charged, by model")
    if failed := failures(outcome):
        await acreate_table_artifact(failed, key="failures", description="Rows without a video, and why")
    if videos := _videos(outcome):
        await acreate_markdown_artifact(videos, key="videos", description="The finished videos")
    rows = len(outcome.rows) + len(outcome.prompts.rejected)
    await name_run(f"{Path(outcome.prompts.source).name} · {rows} rows · {outcome.charged_mxn:,.2f} MXN")


def _videos(outcome: Outcome) -> str:
    done = [(row.row, row.entry) for row in outcome.rows if row.entry is not None and row.entry.video_url]
    lines = [
        f"- [row {row.source_line}{f' · {plain_markdown(row.prompt_id)}' if row.prompt_id else ''}]"
        f"({markdown_target(entry.video_url or '')})"
        f" · {entry.model} · {entry.duration_s} s"
        for row, entry in done[:_VIDEOS]
    ]
    more = [f"\n... and {len(done) - _VIDEOS} more, in the results CSV"] if len(done) > _VIDEOS else []
    return "\n".join([*lines, *more])


async def name_run(name: str, rows: Iterable[ClaimedRow] = ()) -> None:
    """Rename this flow run, and tag it with the providers and models of its rows."""
    entries = [row.entry for row in rows]
    theirs = {str(entry.provider) for entry in entries} | {str(entry.model) for entry in entries}
    async with get_client() as client:
        if theirs:
            await client.update_flow_run(UUID(flow_run.id), tags=sorted({*flow_run.tags, *theirs}))
        await client.update_flow_run(UUID(flow_run.id), name=name)


def rows_and_money(rows: Iterable[ClaimedRow]) -> str:
    """Say how many rows there are and what they may cost: ``24 rows · at most 176.40 MXN``."""
    entries = [row.entry for row in rows]
    worst: Decimal = sum((entry.worst_mxn or ZERO for entry in entries), ZERO)
    return f"{len(entries)} row{'' if len(entries) == 1 else 's'} · at most {worst:,.2f} MXN"


def videos_and_money(entries: Iterable[LedgerEntry], rows: int) -> str:
    """Say how many of so many rows got their video and what they cost: ``23 of 24 videos · 168.00 MXN``."""
    bought = sum_up("bought", completed(entries))
    unknown = f" and {bought.unknown} unknown" if bought.unknown else ""
    return f"{bought.videos} of {rows} video{'' if rows == 1 else 's'} · {bought.charged_mxn:,.2f} MXN{unknown}"
