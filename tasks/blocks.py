"""Prefect blocks: GeekHub's credentials, and one video as a job for flows of your own.

They lie here and not in ``flows/``, whose files Prefect may load a second time under another name.
"""

import asyncio
import math
import uuid
from typing import Any

from prefect.blocks.abstract import CredentialsBlock, JobBlock, JobRun
from pydantic import Field, SecretStr

from dailies.catalogue import load_catalogue
from dailies.errors import JobFailedError, JobPending
from dailies.geekhub_client.client import GeekHubClient
from dailies.geekhub_client.job import Job, JobStatus, VideoRequest
from dailies.pacing.forecast import Forecast
from dailies.pacing.poll_schedule import most_lag_s, poll_schedule, widest_gap_s
from dailies.settings import LIVE_BASE_URL


class GeekHubCredentials(CredentialsBlock):
    """A key of GeekHub's video API, and where that API is.

    Example:
        ```python
        async with (await GeekHubCredentials.aload("geekhub")).get_client() as client:
            print(await client.read_balance())
        ```
    """

    _block_type_name = "GeekHub Credentials"
    _block_type_slug = "geekhub-credentials"

    api_key: SecretStr = Field(description="The account's key: ghub_sk_live_... or ghub_sk_test_...")
    base_url: str = Field(default=LIVE_BASE_URL, pattern=r"^https?://", description="Where the API is, with /v1.")

    def get_client(self, *_: Any, **options: Any) -> GeekHubClient:
        """Return a client of this account; use it with ``async with``."""
        return GeekHubClient(self.base_url, self.api_key, **options)


class GeekHubVideoRun(JobRun[Job]):
    """One video that was ordered: wait for it, then fetch it."""

    def __init__(self, video: "GeekHubVideo", job: Job) -> None:
        self._video = video
        self._job = job

    @property
    def job_id(self) -> str:
        """GeekHub's id of the job."""
        return self._job.id

    async def wait_for_completion(self) -> None:  # type: ignore[override] # Prefect's base says Logger, by mistake
        """Poll, when it is best for the model, until the job has ended.

        Raises:
            TimeoutError: it has not within ``give_up_after_s``; the job goes on, and may be waited for again.
            ServiceError: the service refused, or could not be reached.
        """
        video = self._video
        model = load_catalogue()[video.model]
        lag_s = most_lag_s(model, math.inf, is_slot_wanted=False)
        procedure = Forecast().procedure(
            model, video.duration_s or model.default_duration_s, lag_s, widest_gap_s(model)
        )
        schedule = poll_schedule(procedure, 0.0, time_scale=video.time_scale, give_up_after_s=video.give_up_after_s)
        async with asyncio.timeout(schedule.deadline_s), video.credentials.get_client() as client:
            for wait_s in schedule.waits_s():
                if self._job.status in (JobStatus.COMPLETED, JobStatus.FAILED):
                    break
                await asyncio.sleep(wait_s)
                self._job = await client.get_video(self._job.id)
        self.logger.info("%s: job %s is %s", video.model, self._job.id, self._job.status)

    async def fetch_result(self) -> Job:
        """Return the finished job with its ``video_url``.

        Raises:
            JobPending: it has not ended.
            JobFailedError: it failed, and was not charged.
        """
        if self._job.status is JobStatus.FAILED:
            raise JobFailedError(self._job.id, self._job.error or "")
        if self._job.status is not JobStatus.COMPLETED:
            raise JobPending(self._job.id, "still rendering: wait_for_completion comes first")
        return self._job


class GeekHubVideo(JobBlock[Job]):
    """One video, ordered from a flow of your own. It is paid for like any other, but stands in no ledger.

    Example:
        ```python
        run = await (await GeekHubVideo.aload("trailer")).trigger()
        await run.wait_for_completion()
        print((await run.fetch_result()).video_url)
        ```
    """

    _block_type_name = "GeekHub Video"
    _block_type_slug = "geekhub-video"

    credentials: GeekHubCredentials
    prompt: str = Field(min_length=1, max_length=4000, description="What is to be seen.")
    model: str = Field(default="fal/kling-2", description="A model of GeekHub's catalogue.")
    duration_s: int | None = Field(default=None, ge=1, description="Seconds; the model's default if empty.")
    aspect_ratio: str | None = Field(default=None, description="One that the model supports; its first if empty.")
    time_scale: float = Field(
        default=1.0, gt=0, le=10, description="Factor on waiting times; the sandbox says its own."
    )
    give_up_after_s: float = Field(default=1800.0, gt=0, le=86_400, description="How long to wait, before the scale.")

    async def trigger(self) -> GeekHubVideoRun:
        """Order the video; a lost answer is asked for again under the same key, so that it is bought once.

        Raises:
            ServiceError: it was refused, or the service could not be reached.
        """
        model = load_catalogue()[self.model]
        duration_s = self.duration_s or model.default_duration_s
        request = VideoRequest(self.model, self.prompt, duration_s, self.aspect_ratio or model.aspect_ratios[0])
        async with self.credentials.get_client() as client:
            job = await client.create_video(request, f"block:{uuid.uuid4().hex}")
        self.logger.info("%s: submitted as job %s", self.model, job.id)
        return GeekHubVideoRun(self, job)
