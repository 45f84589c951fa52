"""A sandbox that keeps its finished videos in a Supabase project, as GeekHub does. Another sandbox is the project."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dailies.gateway.__main__ import main
from dailies.gateway.hosting import foreground
from dailies.gateway.options import SandboxOptions
from dailies.gateway.storage.buckets import GENERATED, find_bucket
from dailies.gateway.store import connect
from dailies.gateway.testing import RunningSandbox, running_sandbox
from tests.gateway.sandbox_client import client_of, get

LONG_ENOUGH_S = 700.0


@pytest.fixture
def project(tmp_path: Path) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path / "project") as running:
        yield running


def keys(project: RunningSandbox) -> dict[str, Any]:
    return {"supabase_url": project.storage.url, "supabase_key": project.storage.service_key}


def submit(gateway: RunningSandbox) -> Callable[[], dict[str, Any]]:
    """Submit a job and let it render; what a poll answers."""
    with client_of(gateway) as client:
        job = client.post("/videos/generations", json={"model": "fal/kling-2", "prompt": "a fox"}).json()
    gateway.clock.advance(LONG_ENOUGH_S)

    def poll() -> dict[str, Any]:
        with client_of(gateway) as client:
            answer: dict[str, Any] = client.get(f"/videos/{job['id']}").json()
            return answer

    return poll


def test_a_finished_video_lies_in_the_projects_public_bucket(project: RunningSandbox, tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "gateway", **keys(project)) as gateway:
        job = submit(gateway)()
        bucket_url = f"{project.root_url}/storage/v1/object/public/{GENERATED}"
        assert job["video_url"] == f"{bucket_url}/{gateway.org_id}/{job['id']}/video.mp4"
        clip = next((gateway.data_dir / "clips").glob("*.mp4")).read_bytes()
    answer = get(job["video_url"])
    assert (answer.content, answer.headers["content-type"]) == (clip, "video/mp4")


def test_nothing_is_charged_until_the_video_is_there(project: RunningSandbox, tmp_path: Path) -> None:
    wrong = {**keys(project), "supabase_key": project.storage.anon_key}
    with running_sandbox(tmp_path / "gateway", **wrong) as gateway:
        poll = submit(gateway)
        assert poll()["status"] == "processing"
        assert gateway.consumed_mxn() == 0
        clock = gateway.clock
    with running_sandbox(tmp_path / "gateway", clock=clock, **keys(project)) as gateway:
        assert poll()["status"] == "completed"
        assert gateway.consumed_mxn() > 0


def test_a_bucket_that_is_there_is_used_as_it_is(project: RunningSandbox, tmp_path: Path) -> None:
    store = connect(project.data_dir)
    before = find_bucket(store, GENERATED)
    with running_sandbox(tmp_path / "gateway", **keys(project)) as gateway:
        assert submit(gateway)()["status"] == "completed"
    assert find_bucket(store, GENERATED) == before
    store.close()


def test_a_video_that_nobody_could_open_is_not_charged(project: RunningSandbox, tmp_path: Path) -> None:
    store = connect(project.data_dir)
    store.execute("UPDATE storage_buckets SET public = 0 WHERE id = ?", (GENERATED,))
    with running_sandbox(tmp_path / "gateway", **keys(project)) as gateway:
        poll = submit(gateway)
        assert (poll()["status"], gateway.consumed_mxn()) == ("processing", 0)
        store.execute("UPDATE storage_buckets SET public = 1 WHERE id = ?", (GENERATED,))
        assert poll()["status"] == "completed"
    store.close()


def test_a_bucket_that_was_deleted_is_made_again(project: RunningSandbox, tmp_path: Path) -> None:
    store = connect(project.data_dir)
    with running_sandbox(tmp_path / "gateway", **keys(project)) as gateway:
        assert submit(gateway)()["status"] == "completed"
        store.execute("DELETE FROM storage_objects")
        store.execute("DELETE FROM storage_buckets WHERE id = ?", (GENERATED,))
        job = submit(gateway)()
    store.close()
    assert get(job["video_url"]).status_code == 200


def test_a_project_that_is_no_storage_charges_nothing(tmp_path: Path, web_page_url: str) -> None:
    with running_sandbox(tmp_path / "gateway", supabase_url=web_page_url, supabase_key="a.b.c") as gateway:
        assert (submit(gateway)()["status"], gateway.consumed_mxn()) == ("processing", 0)


@pytest.fixture
def web_page_url() -> Iterator[str]:
    """A web server that answers every request with a page."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>Welcome</html>")

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_the_key_is_shown_nowhere(tmp_path: Path) -> None:
    options = SandboxOptions(tmp_path, supabase_url="https://x.supabase.co", supabase_key="secret-key")
    assert "secret-key" not in repr(options)


@pytest.mark.parametrize("half", [{"supabase_url": "https://x.supabase.co"}, {"supabase_key": "k"}])
def test_half_a_project_is_refused(tmp_path: Path, half: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="both of them"):
        SandboxOptions(tmp_path, **half)


def test_the_command_line_takes_the_project_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[SandboxOptions] = []
    monkeypatch.setattr(foreground, "serve", lambda options, **_: served.append(options))
    monkeypatch.setenv("SUPABASE_URL", "https://x.supabase.co")
    monkeypatch.setenv("SUPABASE_SERVICE_KEY", "k")

    def run(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["dailies.gateway", *arguments])
        return main()

    assert run() == 0
    assert served.pop().supabase_url is None
    assert run("--supabase") == 0
    assert served.pop().supabase_url == "https://x.supabase.co"
    monkeypatch.delenv("SUPABASE_URL")
    assert run("--supabase") == 2
    assert served == []
