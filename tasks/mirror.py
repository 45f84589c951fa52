"""Copy some finished videos to the user's own place, and note them."""

from collections.abc import Sequence

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from dailies.mirror.copier import Mirror, Order
from dailies.mirror.mirrored import MirroredVideo


@task(name="mirror", task_run_name="{orders[0].name}", cache_policy=NO_CACHE, retries=0, persist_result=False)
async def copy_videos(mirror: Mirror, orders: Sequence[Order]) -> list[MirroredVideo]:
    """Copy one chunk; see ``Mirror.copy_all`` for what is raised."""
    videos = await mirror.copy_all(orders)
    for video in videos:
        for problem in video.problems:
            get_run_logger().warning("%s: %s", video.name, problem)
    get_run_logger().info("%d videos, from %s on", len(videos), orders[0].name)
    return videos
