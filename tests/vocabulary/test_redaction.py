"""A secret appears in no log, error or answer of a service: not whole, not as a tail, not in base64, in no case."""

import base64
import json
import logging
import pickle
import secrets
import string
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from dailies.errors import InputError, JobFailedError, RowError, ServiceError, TransportError
from dailies.geekhub_client.client import GeekHubClient
from dailies.redaction import TAIL, redact, register_secret

KEY = "ghub_sk_live_" + "".join(secrets.choice(string.ascii_letters + string.digits + '+/%"\\_-') for _ in range(32))
register_secret(KEY)


def spellings(key: str, noise: str = "") -> dict[str, str]:
    encoded = base64.b64encode(f"{noise}{key}".encode()).decode()
    return {
        "whole": key,
        "tail": key[13:],
        "shortest tail": key[-TAIL:],
        "capitals": key.upper(),
        "small": key.lower(),
        "base64": encoded,
        "base64 for URLs": base64.urlsafe_b64encode(f"{noise}{key}".encode()).decode(),
        "base64 in capitals": encoded.upper(),
        "quoted": quote(key, safe=""),
        "JSON": json.dumps(key),
    }


def assert_clean(text: str) -> None:
    folded = text.lower()
    for name, form in spellings(KEY).items():
        core = form.strip('"').rstrip("=").lower()
        assert core not in folded, name
        assert core[13 if len(core) > 30 else 0 :] not in folded, name


@pytest.mark.parametrize("form", spellings(KEY))
def test_every_spelling_of_a_key_is_removed(form: str) -> None:
    clean = redact(f"the service said {spellings(KEY)[form]} and more")
    assert_clean(clean)
    assert clean.startswith("the service said ")
    assert clean.endswith(" and more")


@given(st.text(max_size=20).filter(str.isprintable), st.text(max_size=20))
def test_base64_is_found_at_every_offset(before: str, after: str) -> None:
    encoded = base64.b64encode(f"{before}{KEY}{after}".encode(errors="replace")).decode()
    clean = redact(encoded)
    assert clean.count("***") == 1
    assert len(clean) <= len(encoded) - 4 * (len(KEY) - 2) // 3 + len("***")


@given(st.text(max_size=200))
def test_a_text_without_a_secret_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


def test_a_key_that_repeats_itself_is_removed_as_a_whole() -> None:
    register_secret("ghub_sk_test_" + "swordfish-012345" * 2)
    assert redact("<ghub_sk_test_" + "swordfish-012345" * 2 + "!>") == "<***!>"


def test_a_text_whose_small_letters_are_longer_keeps_its_places() -> None:
    assert redact(f"\u0130\u0130 {KEY} \u0130") == "\u0130\u0130 *** \u0130"


def test_no_log_record_holds_a_key(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("a.library")
    log.warning("sent %s", {"authorization": f"Bearer {KEY}"})
    try:
        raise ValueError(f"Illegal header value b'Bearer {KEY}'")
    except ValueError:
        log.exception("it broke")
    assert "it broke" in caplog.text
    assert "Illegal header value" in caplog.text
    assert_clean(caplog.text)


def test_no_error_of_ours_holds_a_key() -> None:
    errors = [
        ServiceError(f"bad key {KEY}", request_id=f"req_{KEY}"),
        TransportError(f"Illegal header value {KEY.upper()}"),
        JobFailedError("job-1", f"Authorization: Bearer {KEY}"),
        InputError((RowError(".env", 1, None, f"no header in {KEY!s}", "name a table"),)),
    ]
    for error in errors:
        assert_clean(str(error))
        assert_clean(str(pickle.loads(pickle.dumps(error))))


@pytest.mark.parametrize("form", spellings(KEY))
async def test_a_service_that_echoes_the_key_brings_it_nowhere(form: str) -> None:
    echo = spellings(KEY)[form]
    failed = {"id": "job-1", "status": "failed", "error": f"upstream: {echo}", "video_url": None}
    answers = {
        "/v1/videos/job-1": httpx.Response(200, json=failed),
        "/v1/videos/job-2": httpx.Response(401, json={"error": {"message": echo, "code": "bad", "request_id": echo}}),
    }
    transport = httpx.MockTransport(lambda request: answers[request.url.path])
    async with GeekHubClient("https://geekhub.test/v1", SecretStr(KEY), transport=transport) as client:
        assert_clean((await client.get_video("job-1")).error or "")
        with pytest.raises(ServiceError) as refused:
            await client.get_video("job-2")
    assert_clean(f"{refused.value} {refused.value.message} {refused.value.request_id}")
