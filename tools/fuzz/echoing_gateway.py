"""A gateway that sends the key back, in every form and in every place: no file and no output of a run holds it.

One run for each place, one row for each form. A case is one form in one place.
"""

import base64
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow.parquet as pq

FORMS: dict[str, Callable[[str], str]] = {
    "whole": lambda key: key,
    "header": lambda key: f"Authorization: Bearer {key}",
    "upper case": str.upper,
    "lower case": str.lower,
    "tail": lambda key: key[-16:],
    "without its prefix": lambda key: key[13:],
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 of the header": lambda key: base64.b64encode(f"Bearer {key}".encode()).decode(),
    "base64, URL-safe, after two bytes": lambda key: base64.urlsafe_b64encode(f"::{key}".encode()).decode(),
    "twice": lambda key: f"{key}{key}",
    "percent-encoded": lambda key: quote(f"Bearer {key}"),
}
# What begins every key is no secret; nor is its beginning in base64.
PUBLIC = (
    "authorization: bearer ghub_sk_test_",
    "bearer%20ghub_sk_test_",
    "z2h1yl9za190zxn0x",
    "qmvhcmvyigdodwjfc2tfdgvzdf",
)
PIECE = 12
Answer = tuple[int, dict[str, str], bytes]


def _json(status: int, body: Any, **headers: str) -> Answer:
    return status, {"content-type": "application/json", **headers}, json.dumps(body).encode()


def _error(status: int, text: str, code: str = "error") -> Answer:
    return _json(status, {"error": {"message": text, "type": "error", "code": code, "request_id": text}})


def _job(prompt: str, **changes: Any) -> Answer:
    job = {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, prompt)), "object": "video.job", "status": "processing"}
    rest = {"model": "fal/kling-2", "prompt": prompt, "video_url": None, "duration": 5, "error": None}
    return _json(200, job | rest | {"created": 1_794_500_000, "completed": None} | changes)


# place -> what answers a submit and a poll; both get the prompt and the text that holds the key
Place = tuple[Callable[[str, str], Answer], Callable[[str, str], Answer]]
PLACES: dict[str, Place] = {
    "error of a failed job": (
        lambda prompt, _: _job(prompt),
        lambda prompt, text: _job(prompt, status="failed", error=text, completed=1_794_500_100),
    ),
    "error of a job that fails at once": (
        lambda prompt, text: _job(prompt, status="failed", error=text, completed=1_794_500_000),
        lambda prompt, _: _job(prompt),
    ),
    "message of a refused row": (lambda _, text: _error(400, text), lambda prompt, _: _job(prompt)),
    "message of a content filter": (
        lambda _, text: _error(502, f"content filter: {text}", "provider_unavailable"),
        lambda prompt, _: _job(prompt),
    ),
    "message of a refused key": (
        lambda _, text: _error(401, text, "invalid_api_key"),
        lambda prompt, _: _job(prompt),
    ),
    "code of an error": (lambda _, text: _error(400, "no", text), lambda prompt, _: _job(prompt)),
    "a page in place of an answer": (
        lambda _, text: (404, {"content-type": "text/html"}, f"<h1>{text}</h1>".encode()),
        lambda prompt, _: _job(prompt),
    ),
    "status and model of a job": (lambda prompt, text: _job(prompt, status=text, model=text), lambda p, _: _job(p)),
    "a video's address": (
        lambda prompt, _: _job(prompt),
        lambda prompt, text: _job(
            prompt, status="completed", completed=1_794_500_100, video_url=f"https://v.test/a.mp4?t={quote(text)}"
        ),
    ),
}


def cases(chance: random.Random) -> Iterator[str | None]:
    """Run a CSV against each place."""
    key = "ghub_sk_test_" + "".join(chance.choices("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=32))
    for place, answers in PLACES.items():
        with tempfile.TemporaryDirectory() as folder, _gateway(key, answers) as base_url:
            written = _run(Path(folder), base_url, key)
        for form in FORMS:
            yield _leak(written, key, place, form)


def _leak(written: dict[str, str], key: str, place: str, form: str) -> str | None:
    """Look for any twelve characters in a row of what was sent back, but for the key's public beginning."""
    shown = FORMS[form](key).lower()
    known = {piece for word in PUBLIC for piece in _pieces(word)}
    pieces = set(_pieces(shown)) - known
    found = sorted(name for name, text in written.items() if any(piece in text for piece in pieces))
    return f"{form}, {place}: in {', '.join(found)}" if found else None


def _pieces(text: str) -> Iterator[str]:
    return (text[at : at + PIECE] for at in range(len(text) - PIECE + 1))


@contextmanager
def _gateway(key: str, answers: Place) -> Iterator[str]:
    on_submit, on_poll = answers
    prompts: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            prompt = body["prompt"]
            prompts[str(uuid.uuid5(uuid.NAMESPACE_URL, prompt))] = prompt
            self._answer(*on_submit(prompt, FORMS[prompt](key)))

        def do_GET(self) -> None:
            if self.path.endswith("/credits"):
                self._answer(*_json(200, {"object": "credits", "balance_mxn": "1000.00", "currency": "MXN"}))
                return
            prompt = prompts.get(self.path.rpartition("/")[2])
            self._answer(*(_error(404, "no such route") if prompt is None else on_poll(prompt, FORMS[prompt](key))))

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _run(folder: Path, base_url: str, key: str) -> dict[str, str]:
    """Everything that a run wrote, in small letters, by the name of the file."""
    csv = folder / "prompts.csv"
    csv.write_text("prompt,model\n" + "".join(f'"{form}",fal/kling-2\n' for form in FORMS), "utf-8")
    env = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "PYTHONPATH") if name in os.environ},
        "GEEKHUB_API_KEY": key,
        "GEEKHUB_BASE_URL": base_url,
        "DAILIES_DATA_DIR": str(folder / "data"),
        "DAILIES_TIME_SCALE": "0.001",
        "DAILIES_FX": "*=20",
        "DAILIES_SUBMIT_RATE_PER_S": "100",
    }
    command = [sys.executable, "-m", "tools.run_directly", str(csv)]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    files = {path.relative_to(folder).as_posix(): _text(path) for path in folder.rglob("*") if path.is_file()}
    assert any(name.endswith(".parquet") for name in files), f"no row was run: {ran.stderr[-500:]}"
    return {name: text.lower() for name, text in (files | {"stdout": ran.stdout, "stderr": ran.stderr}).items()}


def _text(path: Path) -> str:
    if path.suffix == ".parquet":
        return str(pq.ParquetFile(path).read().to_pylist())
    return path.read_text("utf-8", "replace")
