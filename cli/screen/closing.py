"""The last lines of a command: the state of the rows, what to do next, the report, the copies."""

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from cli.screen.console import complain, say, show_table
from dailies.errors import MirrorError
from dailies.ledger.folder import LedgerFolder
from dailies.mirror.open_target import target_name
from dailies.mirror.record import CopyStatus, MirroredVideo, MirrorRecord, read_record
from dailies.planning.outcome import Outcome
from dailies.report.results import write_results
from dailies.report.summary import cost_by_model, failures
from dailies.report.table_formats import ResultsFormat
from dailies.settings import Settings
from dailies.wording import count, mxn

_SHOWN_FAILURES = 10


def present_results(
    console: Console,
    whole: Outcome,
    path: Path,
    next_command: str,
    *,
    limit: int | None = None,
    form: ResultsFormat | None = None,
    bom: bool = False,
) -> int:
    """Write the results of every row, show the state of the first ``limit`` rows; return the exit code for it."""
    write_results(path, whole, form, bom=bom)
    outcome = whole.first(limit)
    show_outcome(console, outcome, str(path), next_command)
    return outcome.exit_code


def show_outcome(console: Console, outcome: Outcome, results: str, next_command: str) -> None:
    """Show the state of the rows: cost by model, failures, where the results are, what to do next."""
    if costs := cost_by_model(outcome.entries()):
        show_table(console, "Bought", [dict(row) for row in costs])
    failed = failures(outcome)
    for row in failed[:_SHOWN_FAILURES]:
        say(console, _failure(row), "red")
    if len(failed) > _SHOWN_FAILURES:
        say(console, f"... and {len(failed) - _SHOWN_FAILURES:,} more, in the results", "red")
    statuses = outcome.statuses + type(outcome.statuses)(rejected=len(outcome.prompts.rejected))
    counts = " · ".join(f"{number:,} {status.replace('_', ' ')}" for status, number in sorted(statuses.items()))
    say(console, f"{counts} · {mxn(outcome.charged_mxn)}")
    if outcome.unknown_charges:
        remedy = "set DAILIES_FX for their month" if outcome.lacks_fx else "the results say why"
        say(console, f"The charge of {count(outcome.unknown_charges, 'video')} is unknown: {remedy}.")
    say(console, f"Results: {results}")
    if outcome.open:
        say(console, f"{count(outcome.open, 'row')} open. To continue: {next_command}")


def show_copies(console: Console, folder: LedgerFolder, outcome: Outcome, settings: Settings) -> int:
    """Say where the report is and which copies are wrong; return 1 if any is."""
    report = settings.report_path(*outcome.prompts.sources)
    if report.exists():
        say(console, f"Report: {report.resolve().as_uri()}")
    if settings.mirror_to is None:
        return 0
    try:
        record = read_record(MirrorRecord(folder.path, target_name(settings.mirror_to, settings)).path)
    except MirrorError as error:
        complain(str(error))
        return 1
    jobs = [entry.job_id for entry in outcome.entries() if entry.video_url]
    copied = [record[job] for job in jobs if job in record]
    good = sum(video.status is CopyStatus.COPIED for video in copied)
    say(console, f"Mirror: {count(good, 'video')} in {settings.mirror_to}")
    _complain(video for video in copied if video.status is not CopyStatus.COPIED)
    if len(copied) < len(jobs):
        complain(f"Not copied yet: {count(len(jobs) - len(copied), 'video')}; dailies mirror continues.")
    return 1 if good < len(jobs) else 0


def _failure(row: dict[str, str | int]) -> str:
    """Put the place before the reason; a rejected row's reason may name its line already."""
    reason = str(row["reason"])
    if f" line {row['line']}" in reason or f" row {row['line']}" in reason:
        return reason
    return f"{row['source']} line {row['line']}: {reason}" if "source" in row else f"line {row['line']}: {reason}"


def _complain(videos: Iterable[MirroredVideo]) -> None:
    for video in videos:
        complain(f"{video.name}: {'; '.join(video.problems)}")
