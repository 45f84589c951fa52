"""The naive way: ``python -m tools.bench.children.flow_naive <base url> <rows> <interval> [async]``.

A flow as one would write it after Prefect's tutorial: a task for the POST, a task with retries for the GET, both by
``.submit()`` on the default task runner; with plain functions, or with coroutines as one would for so much waiting.
"""

import sys

import httpx
from prefect import flow, task


@task
def submit(base: str, number: int) -> str:
    """POST a job."""
    body = {"model": "fal/kling-2", "prompt": f"shot number {number}", "duration": 5, "aspect_ratio": "16:9"}
    answer = httpx.post(f"{base}/v1/videos/generations", json=body, trust_env=False, timeout=60).raise_for_status()
    return str(answer.json()["id"])


@task(retries=1000)
def poll(base: str, job_id: str) -> str:
    """GET it once; "not yet" is a failure that Prefect retries."""
    job = httpx.get(f"{base}/v1/videos/{job_id}", trust_env=False, timeout=60).raise_for_status().json()
    if job["status"] != "completed":
        raise RuntimeError("not yet")
    return str(job["video_url"])


@task(name="submit")
async def submit_async(base: str, number: int) -> str:
    """POST a job."""
    body = {"model": "fal/kling-2", "prompt": f"shot number {number}", "duration": 5, "aspect_ratio": "16:9"}
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        answer = (await client.post(f"{base}/v1/videos/generations", json=body)).raise_for_status()
    return str(answer.json()["id"])


@task(name="poll", retries=1000)
async def poll_async(base: str, job_id: str) -> str:
    """GET it once; "not yet" is a failure that Prefect retries."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        job = (await client.get(f"{base}/v1/videos/{job_id}")).raise_for_status().json()
    if job["status"] != "completed":
        raise RuntimeError("not yet")
    return str(job["video_url"])


@flow
def naive(base: str, rows: int, interval_s: float, is_async: bool) -> None:
    """All rows at once."""
    first, then = (submit_async, poll_async) if is_async else (submit, poll)
    patient = then.with_options(retry_delay_seconds=interval_s)
    videos = [patient.submit(base, first.submit(base, number)) for number in range(rows)]
    for video in videos:
        video.result()


if __name__ == "__main__":
    naive(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:] == ["async"])
