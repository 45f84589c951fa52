"""Where the videos of some prompts have arrived: the report, and the copies in a place of one's own."""

from collections.abc import Iterable

from rich.console import Console

from cli.screen.console import complain, say
from dailies.errors import MirrorError
from dailies.ledger.folder import LedgerFolder
from dailies.mirror.open_target import target_name
from dailies.mirror.record import CopyStatus, MirroredVideo, MirrorRecord, read_record
from dailies.planning.outcome import Outcome
from dailies.settings import Settings
from dailies.wording import count


def show_arrival(console: Console, folder: LedgerFolder, outcome: Outcome, settings: Settings) -> int:
    """Say where the report is and what is wrong with the copies; 1 if something is."""
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
    arrived = [record[job] for job in jobs if job in record]
    good = sum(video.status is CopyStatus.COPIED for video in arrived)
    say(console, f"Mirror: {count(good, 'video')} in {settings.mirror_to}")
    _complain(video for video in arrived if video.status is not CopyStatus.COPIED)
    if len(arrived) < len(jobs):
        complain(f"Not copied yet: {count(len(jobs) - len(arrived), 'video')}; dailies mirror goes on.")
    return 1 if good < len(jobs) else 0


def _complain(videos: Iterable[MirroredVideo]) -> None:
    for video in videos:
        complain(f"{video.name}: {'; '.join(video.problems)}")
