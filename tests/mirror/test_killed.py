"""A mirror that is killed at any moment goes on where it was; nothing is stored twice, nothing is half there."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dailies.gateway.storage.bodies import NewBucket
from dailies.gateway.storage.buckets import create_bucket
from dailies.gateway.store import connect
from dailies.gateway.testing import RunningSandbox, running_sandbox
from dailies.ledger.entry import LedgerEntry
from tests.factories import make_folder
from tests.mirror.film import FilmServer, film
from tests.workplace import ROOT, wait_until

VIDEOS = 80
KILLS = (5, 50)


@pytest.fixture
def ledger(tmp_path: Path, films: FilmServer) -> Path:
    folder = make_folder(tmp_path / "ledger", "sandbox")
    folder.put(list(shots(films)))
    return folder.path


def shots(films: FilmServer) -> list[LedgerEntry]:
    return [films.make_video(number) for number in range(VIDEOS)]


def start(ledger: Path, to: str, **env: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.mirror.kill", str(ledger), to]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, **env}, stdout=subprocess.PIPE, text=True)


def kill_often(ledger: Path, to: str, stored: Callable[[], int], **env: str) -> str:
    """Kill mirrors when so many videos are there, then let one come to its end; what that one says."""
    for count in KILLS:
        mirror = start(ledger, to, **env)
        wait_until(lambda count=count, mirror=mirror: stored() >= count or mirror.poll() is not None)
        mirror.send_signal(signal.SIGKILL)
        mirror.communicate()
    last = start(ledger, to, **env)
    words, _ = last.communicate(timeout=120)
    return words.strip()


def test_a_folder_is_completed_and_no_file_is_written_twice(ledger: Path, films: FilmServer, tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    inodes: dict[str, int] = {}

    def stored() -> int:
        for path in videos.glob("prompts/*.mp4"):
            assert inodes.setdefault(path.name, path.stat().st_ino) == path.stat().st_ino, "written twice"
        return len(inodes)

    words = kill_often(ledger, str(videos), stored)
    assert stored() == VIDEOS
    assert words.endswith(" 0")
    assert {path.read_bytes() for path in videos.glob("prompts/*.mp4")} == {film()}
    assert not list(videos.glob(".drafts*"))


def test_a_bucket_is_completed_and_no_object_is_uploaded_twice(ledger: Path, films: FilmServer, tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "project") as project:
        store = connect(project.data_dir)
        create_bucket(store, NewBucket(name="clips"), 0)
        env = {"SUPABASE_URL": project.storage.url, "SUPABASE_SERVICE_KEY": project.storage.service_key}
        words = kill_often(ledger, "supabase://clips/a", lambda: _count(project), **env)
        assert words.endswith(" 0")
        rows = store.execute("SELECT created_us, updated_us, size FROM storage_objects").fetchall()
        store.close()
    assert len(rows) == VIDEOS
    assert all(row["created_us"] == row["updated_us"] for row in rows), "uploaded twice"
    assert {row["size"] for row in rows} == {len(film())}


def _count(project: RunningSandbox) -> int:
    store = connect(project.data_dir)
    found = store.execute("SELECT COUNT(*) AS n FROM storage_objects").fetchone()
    store.close()
    return int(found["n"])
