"""Films for the mirror's tests: real ones, spoiled ones, and a server that hands them out."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dailies.gateway.video.encode import render_scene
from dailies.gateway.video.scene import Scene
from dailies.ledger.entry import LedgerEntry
from tests.factories import completed, make_entry


@cache
def film(duration_s: int = 5, aspect_ratio: str = "16:9", *, audio: bool = False, prompt: str = "a fox") -> bytes:
    """A real MP4."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        render_scene(Scene(prompt, "fal/kling-2", duration_s, aspect_ratio, audio, True), path)
        return path.read_bytes()


def cut(content: bytes, share: float = 0.6) -> bytes:
    """Only its beginning: the header still claims the full duration."""
    return content[: int(len(content) * share)]


def damaged(content: bytes) -> bytes:
    """Its last pictures are damaged; the length is right."""
    spoiled = bytearray(content)
    spoiled[-400:] = bytes(byte ^ 0xA5 for byte in spoiled[-400:])
    return bytes(spoiled)


@dataclass
class FilmServer:
    """Hands out films and counts how often each was asked for.

    Attributes:
        url: where it is.
        films: content by path.
        headers: further headers by path, in place of the usual ones.
        failures: how often a path still answers 503.
        asked: every path that was asked for.
    """

    url: str
    films: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def add(self, path: str, content: bytes, **headers: str) -> str:
        """Hand a film out under a path; its URL."""
        self.films[path] = content
        self.headers[path] = {name.replace("_", "-"): value for name, value in headers.items()}
        return f"{self.url}{path}"

    def make_video(self, number: int, content: bytes | None = None, **changes: Any) -> LedgerEntry:
        """A completed row whose video is here."""
        content = film() if content is None else content
        entry = make_entry(f"shot {number}", source_line=number + 1, **changes)
        url = self.add(f"/generated-videos/org/job-{number}/video.mp4", content)
        return completed(entry, job_id=f"job-{number}", video_url=url)


@contextmanager
def film_server() -> Iterator[FilmServer]:
    """A server in a thread of this process."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            films.asked.append(self.path)
            content = films.films.get(self.path)
            if films.failures.get(self.path, 0) > 0:
                films.failures[self.path] -= 1
                self._answer(503, b"")
            elif content is None:
                self._answer(400, b'{"statusCode":"404"}')
            else:
                etag = hashlib.md5(content).hexdigest()
                usual = {"content-type": "video/mp4", "etag": f'"{etag}"'}
                self._answer(200, content, **{**usual, **films.headers[self.path]})

        def _answer(self, status: int, content: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"content-length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Say nothing where a client that was killed is gone."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    films = FilmServer(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield films
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
