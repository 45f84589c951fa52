"""The announced 429, as an option."""

from pathlib import Path

import pytest

from dailies.gateway.errors import ApiError
from dailies.gateway.rate_limit import RateLimit
from dailies.gateway.testing import running_sandbox
from tests.gateway.sandbox_client import client_of

BODY = {"model": "fal/kling-2", "prompt": "a fox"}


def test_submits_beyond_the_burst_are_told_when_to_come_back(tmp_path: Path):
    with (
        running_sandbox(tmp_path, requests_per_second=0.01, burst=2) as running,
        client_of(running) as client,
    ):
        statuses = [client.post("/videos/generations", json=BODY).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        refused = client.post("/videos/generations", json=BODY)
        assert refused.json()["error"]["code"] == "rate_limit_exceeded"
        assert 1 <= int(refused.headers["retry-after"]) <= 100
        assert client.get("/credits").status_code == 200
        running.clock.advance(int(refused.headers["retry-after"]))
        assert client.post("/videos/generations", json=BODY).status_code == 200
        assert len(running.jobs()) == 3


def test_tokens_come_back_at_the_rate_up_to_the_burst():
    limit = RateLimit(2.0, 2)
    for now_s in (0.0, 0.0, 0.5, 10.0, 10.0):
        limit.take("org", now_s)
    with pytest.raises(ApiError) as refused:
        limit.take("org", 10.1)
    assert refused.value.headers == {"Retry-After": "1"}
    limit.take("another", 10.1)
