"""A service that gives the answers that a test lists, and a gate that counts."""

from collections.abc import Callable
from typing import Any

import httpx
from pydantic import SecretStr

from dailies.geekhub_client.client import GeekHubClient
from dailies.geekhub_client.job import VideoRequest
from tests.factories import LIVE_KEY

JOB_ID = "0b5c9c2e-0000-4000-8000-000000000001"
REQUEST = VideoRequest("fal/kling-2", "a lighthouse", 5, "16:9")
Handler = Callable[[httpx.Request], httpx.Response]


class Gate:
    """Counts what it lets pass and the pauses that the client asks for."""

    def __init__(self) -> None:
        self.passed = 0
        self.pauses: list[float] = []

    async def ready(self) -> None:
        self.passed += 1

    def pause(self, seconds: float, *, is_poll: bool = False) -> None:
        self.pauses.append(seconds)

    def hold(self, seconds: float) -> None:
        self.pauses.append(seconds)


class Service:
    """Gives the answers it was given, one after the other; the last one for ever."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.requests: list[httpx.Request] = []
        self._answers = list(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def client(self, **changes: Any) -> GeekHubClient:
        settings: dict[str, Any] = {"gate": Gate(), **changes}
        return GeekHubClient(
            "https://api.test/v1/", SecretStr(LIVE_KEY), transport=httpx.MockTransport(self), **settings
        )


def job(status: str = "processing", **changes: Any) -> httpx.Response:
    return httpx.Response(200, json={"id": JOB_ID, "status": status, **changes})


def refusal(status: int, message: str = "no", code: str = "code", **headers: str) -> httpx.Response:
    body = {"error": {"message": message, "code": code, "request_id": "req_1"}}
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): v for name, v in headers.items()})


LOST = httpx.ReadTimeout("timed out")
OFFLINE = httpx.ConnectError("connection refused")
BLANK_502 = httpx.Response(502)
FILTERED = refusal(502, "content filter")


async def create(service: Service, **changes: Any) -> Any:
    async with service.client(**changes) as client:
        return await client.create_video(REQUEST, "ledger:row:1")


async def poll(service: Service, **changes: Any) -> Any:
    async with service.client(**changes) as client:
        return await client.get_video(JOB_ID)
