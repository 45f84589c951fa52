"""The task `mirror`: copy a chunk of finished videos and record it."""

from collections.abc import Sequence

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from dailies.mirror.copier import Copier, PendingCopy
from dailies.mirror.record import MirroredVideo


@task(name="mirror", task_run_name="{copies[0].name}", cache_policy=NO_CACHE, retries=0, persist_result=False)
async def copy_videos(copier: Copier, copies: Sequence[PendingCopy]) -> list[MirroredVideo]:
    """Copy one chunk and log its problems; raises as ``Copier.copy_all`` does."""
    videos = await copier.copy_all(copies)
    for video in videos:
        for problem in video.problems:
            get_run_logger().warning("%s: %s", video.name, problem)
    get_run_logger().info("%d videos, from %s on", len(videos), copies[0].name)
    return videos
