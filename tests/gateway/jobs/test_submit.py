"""POST /v1/videos/generations: what is accepted, what is refused, and how it is said."""

import re
from typing import Any
from uuid import UUID

import httpx
import pytest

from dailies.catalogue import VideoModel, load_catalogue
from dailies.gateway.testing import RunningSandbox


def post(api: httpx.Client, **fields: Any) -> httpx.Response:
    body = {"model": "fal/kling-2", "prompt": "a fox"} | fields
    return api.post("/videos/generations", json=body)


def test_accepted_job_has_the_documented_form(api):
    job = post(api, duration=4).json()
    assert UUID(job.pop("id"))
    assert isinstance(job.pop("created"), int)
    assert job == {
        "object": "video.job",
        "status": "processing",
        "model": "fal/kling-2",
        "prompt": "a fox",
        "video_url": None,
        "duration": 4,
        "error": None,
        "completed": None,
    }


@pytest.mark.parametrize("model", load_catalogue().values(), ids=lambda model: model.id)
def test_every_model_takes_its_defaults_and_limits(api, sandbox: RunningSandbox, model: VideoModel):
    assert post(api, model=model.id).json()["duration"] == model.default_duration_s
    assert sandbox.jobs()[-1].aspect_ratio == model.aspect_ratios[0]
    for aspect_ratio in model.aspect_ratios:
        for duration in (1, model.max_duration_s):
            answer = post(api, model=model.id, duration=duration, aspect_ratio=aspect_ratio)
            assert answer.status_code == 200
    assert post(api, model=model.id, duration=model.max_duration_s + 1).status_code == 400
    assert post(api, model=model.id, aspect_ratio="21:9").status_code == 400


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", ""),
        ("prompt", " \n"),
        ("prompt", "x" * 4001),
        ("prompt", 7),
        ("prompt", None),
        ("model", None),
        ("model", 7),
        ("duration", 0),
        ("duration", -1),
        ("duration", 11),
        ("duration", 10**30),
        ("duration", True),
        ("duration", 5.0),
        ("duration", "5"),
        ("duration", None),
        ("aspect_ratio", "4:3"),
        ("aspect_ratio", 169),
        ("aspect_ratio", None),
    ],
)
def test_refused_value_names_its_field(api, sandbox: RunningSandbox, field, value):
    answer = post(api, **{field: value})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == error["type"] == "invalid_request_error"
    assert error["message"].startswith(f"{field}: ")
    assert sandbox.jobs() == []


@pytest.mark.parametrize("field", ["model", "prompt"])
def test_missing_field_is_named(api, field):
    body = {"model": "fal/kling-2", "prompt": "a fox"}
    del body[field]
    answer = api.post("/videos/generations", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(f"{field}: ")


def test_prompt_with_nothing_to_see_is_refused_and_costs_nothing(api, sandbox: RunningSandbox):
    for prompt in ("\u200b", "\ufeff \u2060", "\u00ad", "\u2800", "\u3164", "\ufe0f", "\u0301"):
        answer = post(api, prompt=prompt)
        assert (answer.status_code, answer.json()["error"]["message"][:8]) == (400, "prompt: "), prompt
    assert sandbox.jobs() == []
    assert post(api, prompt="\u200b🦊").status_code == 200


def test_longest_prompt_is_taken_whole(api):
    prompt = "\N{FOX FACE}" * 4000
    assert post(api, prompt=prompt).json()["prompt"] == prompt


def test_unknown_fields_are_ignored(api):
    assert post(api, seed=7, camera={"dolly": True}).status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"text"', b"null", b"\xff", b"[" * 50_000, b'{"prompt": "\\ud800"}']
)
def test_malformed_body_is_an_invalid_request(api, body):
    answer = api.post("/videos/generations", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_request_error"


def test_unknown_model_is_not_found(api):
    answer = post(api, model="fal/kling-9")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "model_not_found"


def test_oversized_body_is_refused_and_the_client_hears_it(api):
    answer = api.post("/videos/generations", content=b"x" * 1_000_000)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "request_too_large"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/models/", 404, "not_found"),
        ("GET", "/videos/generations/x/y", 404, "not_found"),
        ("GET", "/videos/not-a-job", 404, "job_not_found"),
        ("DELETE", "/models", 405, "method_not_allowed"),
        ("POST", "/videos/not-a-job", 405, "method_not_allowed"),
        ("GET", "/" + "x" * 9_000, 414, "uri_too_long"),
    ],
)
def test_wrong_address_is_refused_in_the_same_form(api, method, path, status, code):
    answer = api.request(method, path)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["code"] == code
    assert re.fullmatch("req_[0-9a-f]{24}", error["request_id"])
    assert error["request_id"] == answer.headers["x-request-id"]


def test_models_are_listed_in_openai_form(api):
    listed = api.get("/models").json()
    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]] == list(load_catalogue())
    assert {model["object"] for model in listed["data"]} == {"model"}
