"""Measures the speed of a mirror, and the cost of a kill: ``python -m tools.measure_mirror [VIDEOS]``.

A sandbox in another process serves the videos and is also the Supabase project. The script kills the mirror after a
third of the videos and starts it again.
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from dailies.gateway.hosting.address import SandboxAddress
from dailies.gateway.hosting.process import start_sandbox, stop_sandbox
from dailies.gateway.storage.address import read_storage_address
from dailies.gateway.store import connect
from dailies.ledger.entry import LedgerEntry
from tests.factories import completed, make_entry, make_folder
from tests.workplace import ROOT, wait_until

SPEED = 100_000.0
PARALLEL = 50


async def make_videos(address: SandboxAddress, count: int) -> list[LedgerEntry]:
    """Make this many videos; return their entries."""
    slots = asyncio.Semaphore(PARALLEL)
    headers = {"authorization": f"Bearer {address.api_key}"}
    async with httpx.AsyncClient(base_url=address.base_url, headers=headers, timeout=60, trust_env=False) as http:

        async def one(number: int) -> LedgerEntry:
            async with slots:
                body = {"model": "fal/kling-2", "prompt": f"shot {number}"}
                job = (await http.post("/videos/generations", json=body)).json()
                while job["status"] != "completed":
                    job = (await http.get(f"/videos/{job['id']}")).json()
            entry = make_entry(f"shot {number}", source_line=number + 2)
            return completed(entry, job_id=job["id"], video_url=job["video_url"])

        return list(await asyncio.gather(*map(one, range(count))))


@contextmanager
def mirroring(ledger: Path, to: str, env: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """Run a mirror in another process."""
    command = [sys.executable, "-m", "tests.mirror.kill", str(ledger), to]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **env}, stdout=subprocess.PIPE, text=True) as process:
        yield process


def measure(name: str, ledger: Path, to: str, env: dict[str, str], stored: Callable[[], int], count: int) -> None:
    """Kill a mirror after a third, time the rest, then time a run with nothing to do."""
    with mirroring(ledger, to, env) as mirror:
        wait_until(lambda: stored() >= count // 3, limit_s=600)
        mirror.send_signal(signal.SIGKILL)
        mirror.communicate()
    before = stored()
    for run in ("resumed", "again"):
        began = time.monotonic()
        with mirroring(ledger, to, env) as mirror:
            wait_until(lambda before=before: stored() > before or mirror.poll() is not None, limit_s=600)
            copying = time.monotonic()
            looked_at, uploads, code = mirror.communicate()[0].split()
        ended = time.monotonic()
        rate = (count - before) / (ended - copying) if run == "resumed" else 0
        sys.stdout.write(
            f"{name}, {run}: {before} were there, {uploads} uploaded, {looked_at} looked at, exit {code};"
            f" {ended - began:.1f} s with the start of Python{f', {rate:.0f} objects/s' if rate else ''}\n"
        )
        before = stored()


def main() -> None:
    """Measure a folder and a bucket."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as place:
        data_dir = Path(place) / "sandbox"
        address = start_sandbox(data_dir, speed=SPEED, plain_video=True)
        try:
            folder = make_folder(Path(place) / "ledger", "sandbox")
            folder.put(asyncio.run(make_videos(address, count)))
            storage = read_storage_address(data_dir)
            assert storage is not None
            env = {"SUPABASE_URL": storage.url, "SUPABASE_SERVICE_KEY": storage.service_key}
            videos = Path(place) / "videos"
            measure("folder", folder.path, str(videos), {}, lambda: len(list(videos.glob("prompts/*.mp4"))), count)
            measure("bucket", folder.path, "supabase://clips/a", env, lambda: _objects(data_dir)[0], count)
            objects, replaced = _objects(data_dir)
            sys.stdout.write(f"bucket: {objects} objects, {replaced} of them uploaded more than once\n")
        finally:
            stop_sandbox(data_dir)


def _objects(data_dir: Path) -> tuple[int, int]:
    store = connect(data_dir)
    row = store.execute("SELECT COUNT(*), SUM(created_us < updated_us) FROM storage_objects").fetchone()
    store.close()
    return int(row[0]), int(row[1] or 0)


if __name__ == "__main__":
    main()
