"""How the command asks a Prefect server: a busy one is asked again, a refused connection is an answer at once."""

import socket

import httpx
import pytest

from cli import prefect_http
from cli.prefect_server import find_server
from tests.stubs import answering


class BusyAtFirst(dict[str, tuple[int, str]]):
    """A server that answers 503, 503, then as it should."""

    def __init__(self) -> None:
        super().__init__({"/api/health": (200, "true")})
        self.busy = 2

    def get(self, path: str, default: tuple[int, str] | None = None) -> tuple[int, str]:  # type: ignore[override]
        self.busy -= 1
        return (503, "database is locked") if self.busy >= 0 else super().get(path, default)


def test_a_configured_server_that_is_only_busy_is_found():
    with answering(BusyAtFirst()) as url:
        server = find_server(f"{url}/api")
    assert server is not None


def test_a_question_that_ran_out_of_time_is_asked_again(monkeypatch):
    asked = []

    def request(method: str, url: str, **_: object) -> httpx.Response:
        asked.append(url)
        if len(asked) < 3:
            raise httpx.ReadTimeout("timed out")
        return httpx.Response(200, json=True, request=httpx.Request(method, url))

    monkeypatch.setattr(httpx, "request", request)

    assert find_server("http://127.0.0.1:4200/api") is not None


@pytest.mark.parametrize("answers", [{}, {"/api/health": (200, "<html>another program</html>")}])
def test_a_server_of_another_kind_is_asked_once(answers):
    heard: list[str] = []
    with answering(answers, heard=heard) as url:
        assert find_server(f"{url}/api") is None
    assert heard == ["GET /api/health"]


def test_a_refused_connection_is_an_answer_at_once(monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(prefect_http.time, "sleep", lambda _: pytest.fail("asked again"))

    assert find_server(f"http://127.0.0.1:{port}/api") is None


def test_an_address_may_end_with_a_slash():
    with answering({"/api/health": (200, "true")}) as url:
        server = find_server(f"{url}/api/")
        assert server is not None
        assert (server.api_url, server.ui_url) == (f"{url}/api", url)
