"""GeekHub's documentation calls the API with the ``openai`` SDK's raw ``post`` and ``get``."""

from typing import Any

import openai
import pytest
from openai import OpenAI

from dailies.gateway.testing import RunningSandbox


@pytest.fixture
def client(sandbox: RunningSandbox):
    with OpenAI(base_url=sandbox.base_url, api_key=sandbox.api_key, max_retries=0) as sdk:
        yield sdk


def test_submit_and_poll_with_the_sdk(client: OpenAI, sandbox: RunningSandbox):
    body = {"model": "fal/kling-2", "prompt": "a fox", "duration": 5}
    job = client.post("/videos/generations", body=body, cast_to=dict[str, Any])
    assert job["status"] == "processing"
    sandbox.clock.advance(700)
    done = client.get(f"/videos/{job['id']}", cast_to=dict[str, Any])
    assert done["status"] == "completed"


def test_errors_arrive_as_the_sdks_own(client: OpenAI, sandbox: RunningSandbox):
    with pytest.raises(openai.BadRequestError) as refused:
        client.post("/videos/generations", body={"model": "fal/kling-2"}, cast_to=dict[str, Any])
    assert refused.value.code == "invalid_request_error"
    with pytest.raises(openai.NotFoundError) as unknown:
        client.get("/videos/unknown", cast_to=dict[str, Any])
    assert unknown.value.code == "job_not_found"
    sandbox.revoke_key()
    with pytest.raises(openai.AuthenticationError) as revoked:
        client.models.list()
    assert revoked.value.code == "key_revoked"


def test_models_are_listed_by_the_sdk(client: OpenAI):
    assert "fal/kling-2" in [model.id for model in client.models.list()]
