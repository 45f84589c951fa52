"""Large videos, kills, and two mirrors at once: ``python -m tools.mirror_proof [--objects 400] [--largest-mb 40]``.

Two ledgers with equal row keys, as two accounts that ran one CSV have them, are mirrored into one bucket at the same
time. Both mirrors are killed three times and started again. Then every object must be there, once, whole, and uploaded
once. A sandbox in a process of its own is the Supabase project; its ETags above 16 MiB are no MD5s, as the real ones.
"""

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dailies.gateway.hosting.process import start_sandbox, stop_sandbox
from dailies.gateway.storage.address import read_storage_address
from dailies.gateway.store import connect
from tests.factories import completed, make_entry, make_folder
from tests.mirror.film import film, film_server
from tests.workplace import ROOT, wait_until

SIDES = ("left", "right")
KILLS = 3
MB = 1_000_000
LIMIT_S = 3600.0


class LargeFilms(dict[str, bytes]):
    """Videos by path, made when they are asked for: a real one and, after it, free space that only its job has."""

    def __init__(self, sizes: dict[str, int]) -> None:
        super().__init__()
        self.sizes = sizes

    def get(self, path: str, default: Any = None) -> Any:
        """Make the video of a path."""
        return large_film(path, self.sizes[path]) if path in self.sizes else default


def large_film(path: str, size: int) -> bytes:
    """Return a video of so many bytes."""
    begin = film()
    free = size - len(begin)
    filling = hashlib.sha256(path.encode()).digest() * (free // 32 + 1)
    return begin + free.to_bytes(4, "big") + b"free" + filling[: free - 8]


def make_ledger(folder: Path, side: str, server: str, sizes: list[int]) -> Path:
    """Make a ledger of finished videos; both have the same row keys, and jobs of their own."""
    ledger = make_folder(folder, "sandbox")
    ledger.put(
        [
            completed(
                make_entry(f"shot {number}", source_line=number + 2),
                job_id=f"{side}-{number:05}",
                video_url=f"{server}/{side}/{number}.mp4",
            )
            for number in range(len(sizes))
        ]
    )
    return ledger.path


def start(ledger: Path, to: str, env: dict[str, str]) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.mirror.kill", str(ledger), to]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, **env}, stdout=subprocess.PIPE, text=True)


def run_killed(ledgers: list[Path], to: str, env: dict[str, str], stored: Callable[[], int], objects: int) -> None:
    """Kill both mirrors whenever another part of the objects is there."""
    for kill in range(1, KILLS + 1):
        mirrors = [start(ledger, to, env) for ledger in ledgers]
        wait_until(lambda kill=kill: stored() >= objects * kill // (KILLS + 1), limit_s=LIMIT_S)
        for mirror in mirrors:
            mirror.send_signal(signal.SIGKILL)
            mirror.communicate()
        say(f"killed at {stored()} of {objects} objects")


def finish(ledgers: list[Path], to: str, env: dict[str, str]) -> list[list[int]]:
    """Let both mirrors come to their end; videos fetched, uploads and exit code of each."""
    mirrors = [start(ledger, to, env) for ledger in ledgers]
    return [[int(word) for word in mirror.communicate(timeout=LIMIT_S)[0].split()] for mirror in mirrors]


def judge(data_dir: Path, films: LargeFilms, ends: list[list[int]], again: list[list[int]]) -> list[str]:
    """Compare every object with the video of its job; what is wrong, in words."""
    store = connect(data_dir)
    rows = store.execute("SELECT * FROM storage_objects WHERE bucket_id = 'clips'").fetchall()
    store.close()
    wrong = [f"{row['key']} was uploaded twice" for row in rows if row["created_us"] != row["updated_us"]]
    left = {hashlib.sha256(large_film(path, size)).digest() for path, size in films.sizes.items()}
    for row in rows:
        digest = hashlib.sha256((data_dir / row["place"] / row["file"]).read_bytes()).digest()
        if digest in left:
            left.remove(digest)
        else:
            wrong.append(f"{row['key']} is damaged, or there twice")
    wrong += [f"{len(left)} videos are not there"] if left else []
    wrong += [f"a mirror ended with exit code {code}" for *_, code in (*ends, *again) if code]
    wrong += [f"{uploads} uploads with nothing to do" for _, uploads, _ in again if uploads]
    etags = sum("-" in row["etag"] for row in rows)
    twice = sum(row["created_us"] != row["updated_us"] for row in rows)
    say(f"{len(rows)} objects, {sum(row['size'] for row in rows) / 1e9:.1f} GB, {etags} with an ETag that is no MD5")
    say(f"{len(films.sizes) - len(left)} of {len(films.sizes)} verified, {twice} uploaded twice")
    return wrong


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the proof; 1 if something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tools.mirror_proof")
    parser.add_argument("--objects", type=int, default=400, help="of both ledgers together (%(default)s)")
    parser.add_argument("--largest-mb", type=int, default=40, help="objects have 1 to so many MB (%(default)s)")
    asked = parser.parse_args()
    chance, began = random.Random(1), time.monotonic()
    sizes = [chance.randint(MB, asked.largest_mb * MB) for _ in range(asked.objects // len(SIDES))]
    with tempfile.TemporaryDirectory() as folder, film_server() as server:
        films = LargeFilms({f"/{side}/{number}.mp4": size for side in SIDES for number, size in enumerate(sizes)})
        server.films, server.headers = films, {path: {} for path in films.sizes}
        data_dir = Path(folder) / "sandbox"
        start_sandbox(data_dir, speed=1.0)
        try:
            storage = read_storage_address(data_dir)
            assert storage is not None
            env = {"SUPABASE_URL": storage.url, "SUPABASE_SERVICE_KEY": storage.service_key}
            ledgers = [make_ledger(Path(folder) / side, side, server.url, sizes) for side in SIDES]
            run_killed(ledgers, "supabase://clips/a", env, lambda: count(data_dir), asked.objects)
            ends = finish(ledgers, "supabase://clips/a", env)
            again = finish(ledgers, "supabase://clips/a", env)
            wrong = judge(data_dir, films, ends, again)
        finally:
            stop_sandbox(data_dir)
    for line in wrong:
        say(f"WRONG: {line}")
    say(f"{'failed' if wrong else 'proved'} in {time.monotonic() - began:.0f} s")
    return int(bool(wrong))


def count(data_dir: Path) -> int:
    store = connect(data_dir)
    found = store.execute("SELECT COUNT(*) FROM storage_objects").fetchone()
    store.close()
    return int(found[0])


if __name__ == "__main__":
    sys.exit(main())
