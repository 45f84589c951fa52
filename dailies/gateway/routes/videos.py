"""POST /v1/videos/generations and GET /v1/videos/{id} (GeekHub's pages of the same names)."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from fastapi.responses import JSONResponse

from dailies.gateway.accounts.money import MICROS
from dailies.gateway.errors import ApiError
from dailies.gateway.gateway import Gateway
from dailies.gateway.jobs.jobs import StoredJob, find_job
from dailies.gateway.jobs.poll import advance_job
from dailies.gateway.jobs.submit import submit_job
from dailies.gateway.jobs.video_request import check_request
from dailies.gateway.routes.wire import KEY, SubmitBody, VideoJob, responses

BUCKET_URL = "/storage/v1/object/public/generated-videos"


def video_url(job: StoredJob, base_url: str) -> str | None:
    """Return the URL that serves the job's video; None until it is completed."""
    return f"{base_url}{BUCKET_URL}/{job.object_path}" if job.status == "completed" else None


def job_object(job: StoredJob, base_url: str) -> dict[str, Any]:
    """Return the job as the API shows it: seconds, and a URL only when completed."""
    finished = None if job.completed_us is None else job.completed_us // MICROS
    return {
        "id": job.id,
        "object": "video.job",
        "status": job.status,
        "model": job.model,
        "prompt": job.prompt,
        "video_url": video_url(job, base_url),
        "duration": job.duration_s,
        "error": job.error,
        "created": job.created_us // MICROS,
        "completed": finished,
    }


def video_routes(gateway: Gateway) -> APIRouter:
    """Return the two routes of a video's life."""
    routes = APIRouter(prefix="/v1/videos", tags=["videos"], dependencies=[KEY])

    @routes.post("/generations", responses=responses(VideoJob, 400, 401, 402, 404, 409, 429, 502))
    async def create_video(
        request: Request,
        wanted: SubmitBody,
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> JSONResponse:
        """Submit a video job."""
        org_id = request.state.caller.org_id
        gateway.rate_limit.take(org_id, gateway.clock())
        job = submit_job(gateway, org_id, check_request(wanted, idempotency_key))
        return JSONResponse(job_object(job, gateway.videos_url))

    @routes.get("/{job_id}", responses=responses(VideoJob, 401, 404))
    async def read_video(request: Request, job_id: str) -> JSONResponse:
        """Poll a job, which moves it."""
        job = find_job(gateway.store, request.state.caller.org_id, job_id)
        if job is None:
            raise ApiError("job_not_found", "No such video job.")
        return JSONResponse(job_object(await advance_job(gateway, job), gateway.videos_url))

    return routes
