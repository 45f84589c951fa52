"""A folder for one command, with the environment and the service that a test wants."""

import contextlib
import io
import json
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dailies.gateway.testing import RunningSandbox
from tests.factories import LIVE_KEY
from tests.stubs import answering

MODELS = json.dumps({"object": "list", "data": [{"id": "fal/kling-2"}]})
REVOKED = json.dumps({"error": {"message": "The API key was revoked.", "code": "key_revoked", "request_id": "req_1"}})


class Place:
    """A folder, an environment, a sandbox to talk to, and what has to be closed afterwards."""

    def __init__(
        self, path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: RunningSandbox, stack: contextlib.ExitStack
    ) -> None:
        self.path = path
        self.sandbox = sandbox
        self._monkeypatch = monkeypatch
        self._stack = stack

    def set(self, **variables: str) -> None:
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def unset(self, name: str) -> None:
        self._monkeypatch.delenv(name)

    def send(self, content: bytes) -> None:
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    def csv(self, text: str) -> None:
        (self.path / "prompts.csv").write_text(text, "utf-8")

    def serve(self, **answers: tuple[int, str]) -> str:
        return self._stack.enter_context(answering({f"/v1/{name}": answer for name, answer in answers.items()}))

    def live(self, **answers: tuple[int, str]) -> None:
        month = f"{datetime.now(UTC):%Y-%m}"
        routes = {"models": (200, MODELS), **answers}
        self.set(GEEKHUB_API_KEY=LIVE_KEY, GEEKHUB_BASE_URL=f"{self.serve(**routes)}/v1", DAILIES_FX=f"{month}=20,*=20")

    def occupy_port(self) -> int:
        taken = self._stack.enter_context(socket.socket())
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        return int(taken.getsockname()[1])
