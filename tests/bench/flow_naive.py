"""The naive way: ``python -m tests.bench.flow_naive <base url> <rows> <interval>``.

A flow as one would write it after Prefect's tutorial: a task for the POST, a task with retries for the GET, both by
``.submit()`` on the default task runner.
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


@flow
def naive(base: str, rows: int, interval_s: float) -> None:
    """All rows at once."""
    patient = poll.with_options(retry_delay_seconds=interval_s)
    videos = [patient.submit(base, submit.submit(base, number)) for number in range(rows)]
    for video in videos:
        video.result()


if __name__ == "__main__":
    naive(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
