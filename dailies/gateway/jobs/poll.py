"""A poll: the only thing that moves a job (GeekHub's video overview: polling is lazy)."""

from dailies.gateway.gateway import Gateway
from dailies.gateway.jobs.jobs import StoredJob, find_job
from dailies.gateway.jobs.lifecycle import VideoFile, complete_job, count_poll, fail_job, hand_over


async def advance_job(gateway: Gateway, job: StoredJob) -> StoredJob:
    """Move a job as far as its render allows, and return it as it is then.

    The poll that finds the render done stores the video and takes the charge.
    """
    count_poll(gateway.store, job)
    if job.status == "pending":
        hand_over(gateway.store, job, gateway.now_us)
    elif job.is_rendered(gateway.now_us):
        await _collect(gateway, job)
    moved = find_job(gateway.store, job.org_id, job.id)
    assert moved is not None
    return moved


async def _collect(gateway: Gateway, job: StoredJob) -> None:
    if job.fails_with is not None:
        fail_job(gateway.store, job, gateway.now_us)
        return
    video = await gateway.renderer.video_of(gateway.renderer.scene_of(job))
    if video is not None and await _is_kept(gateway, job, video):
        complete_job(gateway.store, job, video, gateway.now_us)


async def _is_kept(gateway: Gateway, job: StoredJob, video: VideoFile) -> bool:
    """Return whether the video is where its URL will say: here it is already, elsewhere it is uploaded first."""
    return gateway.remote is None or await gateway.remote.keep(job.object_path, gateway.renderer.folder / video.name)
