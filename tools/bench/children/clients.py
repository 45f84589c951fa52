"""The waiting loops to compare: each is a function that makes one video and waits for it.

``python -m tools.bench.children.clients <name> <base url> <jobs> <in flight> <scale>`` runs one of them over many jobs.
"""

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

Make = Callable[[int], Awaitable[object]]
INTERVAL_S = 15.0
KEY = "ghub_sk_test_" + "0" * 32


async def documented(base: str, scale: float, stack: contextlib.AsyncExitStack) -> Make:
    """The loop of GeekHub's documentation: POST, then GET at the model's interval."""
    import httpx

    limits = httpx.Limits(max_connections=100, max_keepalive_connections=50)
    client = await stack.enter_async_context(httpx.AsyncClient(base_url=f"{base}/v1", limits=limits, timeout=60))

    async def make(number: int) -> None:
        body = {"model": "fal/kling-2", "prompt": f"shot number {number}", "duration": 5, "aspect_ratio": "16:9"}
        answer = await client.post("/videos/generations", json=body)
        answer.raise_for_status()
        job = answer.json()
        while job["status"] not in ("completed", "failed"):
            await asyncio.sleep(INTERVAL_S * scale)
            job = (await client.get(f"/videos/{job['id']}")).raise_for_status().json()

    return make


async def openai(base: str, _scale: float, stack: contextlib.AsyncExitStack) -> Make:
    """``openai``: ``videos.create_and_poll``."""
    from openai import AsyncOpenAI

    client = await stack.enter_async_context(AsyncOpenAI(base_url=f"{base}/v1", api_key="x"))
    return lambda number: client.videos.create_and_poll(prompt=f"shot number {number}", model="sora-2")


async def fal(base: str, _scale: float, _stack: contextlib.AsyncExitStack) -> Make:
    """``fal_client``: ``subscribe``."""
    import fal_client.client

    fal_client.client.QUEUE_URL_FORMAT = f"{base}/"
    client = fal_client.AsyncClient(key="a:b")
    return lambda number: client.subscribe("fal-ai/x", {"prompt": f"shot number {number}"})


async def runway(base: str, _scale: float, stack: contextlib.AsyncExitStack) -> Make:
    """``runwayml``: ``wait_for_task_output``."""
    from runwayml import AsyncRunwayML

    client = await stack.enter_async_context(AsyncRunwayML(base_url=base, api_key="x"))

    async def make(number: int) -> None:
        created = await client.text_to_video.create(
            model="veo3.1", prompt_text=f"shot number {number}", ratio="1280:720", duration=4
        )
        await created.wait_for_task_output()

    return make


async def replicate(base: str, _scale: float, _stack: contextlib.AsyncExitStack) -> Make:
    """``replicate``: ``async_wait``."""
    from replicate.client import Client

    client = Client(base_url=base, api_token="x")

    async def make(number: int) -> None:
        made = await client.models.predictions.async_create(
            "a/b", input={"prompt": f"shot number {number}"}, wait=False
        )
        await made.async_wait()

    return make


PEERS = {"documented": documented, "openai": openai, "fal": fal, "runway": runway, "replicate": replicate}


async def run_peer(name: str, base: str, jobs: int, in_flight: int, scale: float) -> None:
    """Run this many jobs with one of the peers, this many at a time; ignore failures."""
    slots = asyncio.Semaphore(in_flight)
    async with contextlib.AsyncExitStack() as stack:
        make = await PEERS[name](base, scale, stack)

        async def one(number: int) -> None:
            async with slots:
                await make(number)

        outcomes = await asyncio.gather(*(one(number) for number in range(jobs)), return_exceptions=True)
    for kind in {type(outcome).__name__ for outcome in outcomes if isinstance(outcome, BaseException)}:
        sys.stderr.write(f"{name}: {kind}\n")


async def run_dailies(base: str, jobs: int, in_flight: int, scale: float, *, is_fixed: bool = False) -> None:
    """Run the same jobs with Dailies, without Prefect: read, plan, claim, journal, run, fold, results."""
    from dailies.settings import load_settings
    from tools.run_directly import run_directly

    if is_fixed:
        _poll_as_documented(scale)
    with TemporaryDirectory() as place:
        csv = Path(place) / "prompts.csv"
        lines = ["prompt,duration", *(f"shot number {number},5" for number in range(jobs))]
        csv.write_text("\n".join(lines), "utf-8")
        settings = load_settings(
            geekhub_api_key=KEY,
            geekhub_base_url=f"{base}/v1",
            data_dir=place,
            fx={"*": 20},
            time_scale=scale,
            max_in_flight=in_flight,
            submit_rate_per_s=10 if in_flight == jobs <= 100 else 1000,
        )
        await run_directly(settings, csv)


def _poll_as_documented(scale: float) -> None:
    from dailies.pacing.poll_schedule import PollSchedule
    from dailies.run.job_polls import JobPolls

    fixed = PollSchedule(INTERVAL_S * scale, (INTERVAL_S * scale,), 10_000, 1e6)
    JobPolls.schedule = lambda _self, _age_s: fixed  # type: ignore[method-assign]


def main(name: str, base: str, jobs: str, in_flight: str, scale: str) -> None:
    """Run one client."""
    amount = int(jobs), int(in_flight), float(scale)
    if name.startswith("dailies"):
        asyncio.run(run_dailies(base, *amount, is_fixed=name == "dailies-fixed"))
    else:
        asyncio.run(run_peer(name, base, *amount))


if __name__ == "__main__":
    main(*sys.argv[1:])
