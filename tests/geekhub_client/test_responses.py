"""What GeekHub's answers mean: every row of the table of failures, and answers that make no sense."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.errors import (
    BalanceEmptyError,
    ContentFilterError,
    JobNotFoundError,
    KeyRefusedError,
    PaceError,
    RowRefusedError,
    ServiceError,
    TransportError,
)
from dailies.geekhub_client.job import JobStatus
from dailies.geekhub_client.responses import is_content_filter, read_balance, read_error, read_job
from dailies.redaction import register_secret
from dailies.system.retries import retry_after_s
from tests.factories import LIVE_KEY

JOB = {
    "id": "0b5c9c2e-0000-4000-8000-000000000001",
    "object": "video.job",
    "status": "processing",
    "model": "fal/kling-2",
    "prompt": "a lighthouse",
    "video_url": None,
    "duration": 5,
    "error": None,
    "created": 1_794_500_000,
    "completed": None,
}
ODD_IDS = ("../../v1/credits", "a/b", "..", ".", "a?b", "a#b", "a%2fb", "a b", "a\nb", "ñ", "x" * 129, "\u202e")
ODD_URLS = (
    *("http://[::1", "https://v.test:99999/a", "https://v.test:x/a", "https:///a", "//v.test/a", "a.mp4", "/a"),
    *("ftp://v.test/a", "file:///etc/passwd", "data:video/mp4;base64,AA", "javascript:alert(1)", "supabase://b/a"),
    *("https://user:secret@v.test/a", "https://v.test/a b", "https://v.test/a\nb", "https://v.test/\u202e"),
    f"https://v.test/{'x' * 2048}",
)
NOON = datetime(2026, 11, 12, 12, 0, tzinfo=UTC)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def job_answer(**changes: Any) -> httpx.Response:
    return httpx.Response(200, json=JOB | changes)


def error_answer(status: int, message: str = "no", code: str = "code", **headers: str) -> httpx.Response:
    body = {"error": {"message": message, "type": "error", "code": code, "request_id": "req_0123456789abcdef01234567"}}
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): v for name, v in headers.items()})


def error_of(response: httpx.Response, *, is_poll: bool = False) -> ServiceError:
    register_secret(LIVE_KEY)  # as the client does
    return read_error(response, is_poll=is_poll)


def test_a_job_object_is_read_as_documented():
    job = read_job(job_answer(status="completed", video_url="https://v.test/v.mp4", completed=1_794_500_300))

    assert (job.id, job.status, job.video_url, job.duration_s) == (JOB["id"], "completed", "https://v.test/v.mp4", 5)
    assert job.completed_at == datetime.fromtimestamp(1_794_500_300, UTC)


@pytest.mark.parametrize("status", list(JobStatus))
def test_every_documented_status_is_known(status):
    assert read_job(job_answer(status=status.value)).status is status


@pytest.mark.parametrize("status", ["queued", "Completed", "cancelled", ""])
def test_a_status_that_is_not_documented_is_still_processing(status):
    assert read_job(job_answer(status=status)).status is JobStatus.PROCESSING


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>gateway</html>",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"id": "x"}',
        b'{"id": null, "status": "processing"}',
        b'{"id": "", "status": "processing"}',
        b'{"id": 7, "status": "processing"}',
        *(json.dumps({"id": odd, "status": "processing"}).encode() for odd in ODD_IDS),
        b'{"id": "x", "status": null}',
        b'{"id": "x", "status": 1}',
        b"\xff\xfe{",
    ],
)
def test_an_answer_that_is_no_job_object_is_in_doubt(body):
    with pytest.raises(TransportError) as caught:
        read_job(httpx.Response(200, content=body))

    assert (caught.value.code, caught.value.in_doubt, caught.value.retryable) == ("bad_answer", True, True)


def test_the_answer_about_another_job_is_not_taken():
    with pytest.raises(TransportError):
        read_job(job_answer(), expected_id="0b5c9c2e-0000-4000-8000-000000000002")


@pytest.mark.parametrize(
    "changes",
    [
        {"completed": value}
        for value in ("yesterday", 1e300, -(10**20), float("nan"), 1_794_500_000_000, -62135596800, 0, True, [], {})
    ]
    + [{"duration": value} for value in (True, None, [], "five", -5, 0, 1e300)]
    + [{"video_url": value} for value in (7, "", [], {}, *ODD_URLS)]
    + [{"error": value} for value in (7, "", "\x1b\x00", {})],
)
def test_fields_of_a_wrong_type_count_as_missing(changes):
    job = read_job(httpx.Response(200, text=json.dumps(JOB | {"duration": None} | changes)))

    assert (job.completed_at, job.duration_s, job.video_url, job.error) == (None, None, None, None)


@given(st.dictionaries(st.sampled_from(list(JOB)), json_values))
def test_whatever_comes_is_a_job_or_a_transport_error(changes):
    try:
        job = read_job(httpx.Response(200, text=json.dumps(JOB | changes)))
    except TransportError:
        return
    job.id.encode()
    (job.error or "").encode()


def test_half_a_character_from_the_service_does_not_reach_a_file():
    body = r'{"id": "x", "status": "failed", "error": "bad \ud83d emoji"}'

    assert read_job(httpx.Response(200, text=body)).error == "bad ? emoji"


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (error_answer(400), RowRefusedError),
        (error_answer(404), RowRefusedError),
        (error_answer(409), RowRefusedError),
        (error_answer(422), RowRefusedError),
        (error_answer(401), KeyRefusedError),
        (error_answer(403), KeyRefusedError),
        (error_answer(402), BalanceEmptyError),
        (error_answer(408), TransportError),
        (error_answer(429), PaceError),
        (error_answer(500), TransportError),
        (error_answer(502, "the provider is overloaded"), TransportError),
        (error_answer(502, "Blocked by our content filter"), ContentFilterError),
        (error_answer(503), TransportError),
        (httpx.Response(301, headers={"location": "https://elsewhere.test"}), TransportError),
        (httpx.Response(404, text="<html>no such page</html>"), TransportError),
        (httpx.Response(403, text="blocked by a firewall"), TransportError),
        (httpx.Response(429, text="slow down"), PaceError),
    ],
)
def test_every_refused_submit_has_its_class(response, kind):
    assert type(error_of(response)) is kind


@pytest.mark.parametrize("response", [error_answer(404), httpx.Response(404, text="gone")])
def test_a_404_on_a_poll_is_a_job_that_was_not_found(response):
    error = error_of(response, is_poll=True)

    assert type(error) is JobNotFoundError
    assert error.retryable


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504, 520])
def test_an_error_body_means_refused_and_its_absence_means_doubt(status):
    assert not error_of(error_answer(status)).in_doubt
    for body in (b"", b"<html>", b"{}", b'{"error": "text"}', b"[]", b'{"error": null}'):
        assert error_of(httpx.Response(status, content=body)).in_doubt


@pytest.mark.parametrize("status", [400, 401, 402, 404, 409, 429])
def test_a_request_that_was_refused_is_never_in_doubt(status):
    assert not error_of(error_answer(status)).in_doubt


def test_a_wrong_address_is_told_as_such():
    assert "is GEEKHUB_BASE_URL right?" in str(error_of(httpx.Response(404, text="<html>")))


def test_an_error_carries_what_the_service_said():
    error = error_of(error_answer(400, "duration must be at most 10", "invalid_request_error"))

    assert (error.message, error.code, error.status) == ("duration must be at most 10", "invalid_request_error", 400)
    assert str(error) == "duration must be at most 10 (req_0123456789abcdef01234567)"


def test_a_content_filter_has_a_code_of_its_own_and_is_not_retried():
    error = error_of(error_answer(502, "NSFW content detected", "provider_unavailable"))

    assert (error.code, error.retryable, error.in_doubt) == ("content_filter", False, False)


@pytest.mark.parametrize(
    ("reason", "filtered"),
    [
        ("content filter: violence", True),
        ("Content-Policy violation", True),
        ("content_moderation", True),
        ("rejected by safety system", True),
        ("prohibited content", True),
        ("fal status: ERROR", False),
        ("overloaded, try again", False),
        ("no content returned", False),
    ],
)
def test_a_content_filter_is_recognised_by_its_words(reason, filtered):
    assert is_content_filter(reason) is filtered


@pytest.mark.parametrize("where", ["message", "code", "request_id"])
def test_a_service_that_repeats_the_key_does_not_spread_it(where):
    body = {"error": {"message": "no", "code": "c", "request_id": "req", where: f"bad key {LIVE_KEY}!"}}
    error = error_of(httpx.Response(401, json=body))

    assert LIVE_KEY not in f"{error}{error!r}{vars(error)}"
    assert "bad key ***!" in f"{vars(error)}"


@given(st.integers(300, 599), json_values, st.booleans())
def test_whatever_refusal_comes_is_an_error_of_the_tree(status, body, is_poll):
    error = error_of(httpx.Response(status, text=json.dumps({"error": body})), is_poll=is_poll)

    assert isinstance(error, ServiceError)
    str(error).encode()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        (" 1.5 ", 1.5),
        ("Thu, 12 Nov 2026 12:00:07 GMT", 7.0),
        ("Thu, 12 Nov 2026 11:59:00 GMT", 0.1),
        ("0", 0.1),
        ("-5", 0.1),
        ("86400", 300.0),
        ("inf", 300.0),
        ("nan", 2.0),
        ("soon", 2.0),
        ("", 2.0),
        ("Thu, 12 Nov 2026 12:00:07 -0000", 2.0),
    ],
)
def test_retry_after_is_a_number_or_a_date_within_bounds(value, seconds):
    assert retry_after_s({"retry-after": value}, NOON) == seconds


def test_a_429_without_retry_after_waits_two_seconds():
    assert error_of(error_answer(429)).retry_after_s == 2.0
    assert error_of(error_answer(429, retry_after="9")).retry_after_s == 9.0


def credits_answer(content: Any, **headers: str) -> httpx.Response:
    request = httpx.Request("GET", "https://api.test/v1/credits")
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(200, json=content, headers=headers, request=request)


@pytest.mark.parametrize(
    ("content", "mxn"),
    [
        ({"balance_mxn": "12.345678"}, "12.345678"),
        ({"balance_mxn": 12.5}, "12.5"),
        ({"balance": 7}, "7"),
        ({"credits_mxn": "0.00"}, "0"),
        ({"credits": "-3.20"}, "-3.20"),
        ({"balance_mxn": None, "balance": "8"}, "8"),
        ({"balance_mxn": "about ten", "balance": {"mxn": 1}}, None),
        ({"balance_mxn": "NaN"}, None),
        ({"balance_mxn": "Infinity"}, None),
        ({"balance_mxn": True}, None),
        ({}, None),
        ([], None),
        ("12", None),
        (None, None),
    ],
)
def test_a_balance_is_read_from_the_likely_forms(content, mxn):
    assert read_balance(credits_answer(content)) == (None if mxn is None else Decimal(mxn))


def test_the_header_tells_the_balance_on_any_answer():
    request = httpx.Request("GET", "https://api.test/v1/videos/x")
    response = httpx.Response(200, json=JOB, headers={"x-geekhub-balance-mxn": "-1.5"}, request=request)

    assert read_balance(response) == Decimal("-1.5")
    assert read_balance(credits_answer({"balance": 7}, x_geekhub_balance_mxn="6")) == 6
    assert read_balance(credits_answer({"balance": 7}, x_geekhub_balance_mxn="n/a")) == 7


def test_only_the_credits_page_tells_a_balance_in_its_body():
    request = httpx.Request("GET", "https://api.test/v1/videos/x")

    assert read_balance(httpx.Response(200, json={"balance": 7}, request=request)) is None


def test_a_credits_page_that_is_no_json_tells_nothing():
    request = httpx.Request("GET", "https://api.test/v1/credits")

    assert read_balance(httpx.Response(200, text="<html>", request=request)) is None


@pytest.mark.parametrize(("value", "seconds"), [(8, 8), (8.0, 8), ("8", 8), ("8.0", 8), (5.5, 6), ("5.01", 6)])
def test_a_duration_is_read_whatever_form_the_number_has(value, seconds):
    job = read_job(httpx.Response(200, text=json.dumps(JOB | {"duration": value})))

    assert (job.duration_s, job.unreadable) == (seconds, ())


def test_a_value_that_cannot_be_right_is_named():
    job = read_job(httpx.Response(200, text=json.dumps(JOB | {"duration": "ei\x1bght", "completed": 1e300})))

    assert job.unreadable == ("duration is ei ght", "completed is 1e+300")


@pytest.mark.parametrize("word", ["expired", "cancelled", "succeeded", "COMPLETED"])
def test_a_status_that_is_not_documented_is_kept_as_a_word(word):
    job = read_job(httpx.Response(200, text=json.dumps(JOB | {"status": word})))

    assert (job.status, job.status_word) == (JobStatus.PROCESSING, word)


def test_control_characters_reach_no_text_of_ours():
    job = read_job(httpx.Response(200, text=json.dumps(JOB | {"error": "fal\x1b[31m status:\r\nERROR\u202e"})))

    assert job.error == "fal [31m status: ERROR"
    for name in ("a\x1b", "../x", "", "x" * 201):
        with pytest.raises(TransportError):
            read_job(httpx.Response(200, text=json.dumps(JOB | {"id": name})))


@pytest.mark.parametrize("deep", ["[" * 10_000, '{"id":' * 10_000, '{"error":' * 10_000])
def test_brackets_without_end_are_no_answer(deep):
    with pytest.raises(TransportError):
        read_job(httpx.Response(200, text=deep))
    for status in (400, 404, 502):
        error = read_error(httpx.Response(status, text=deep), is_poll=False)
        assert isinstance(error, TransportError)


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (502, "provider_unavailable", "content filter: violence"),
        (502, "content_filter", "no"),
        (400, "content_policy_violation", "no"),
        (422, "invalid_request_error", "the safety system refused the prompt"),
    ],
)
def test_a_content_filter_is_one_by_its_code_and_by_its_words(status, code, message):
    answer = httpx.Response(status, json={"error": {"code": code, "message": message}})

    assert isinstance(read_error(answer, is_poll=False), ContentFilterError)


def test_a_job_that_failed_with_an_error_object_keeps_its_code_and_words():
    job = read_job(
        httpx.Response(200, json=JOB | {"status": "failed", "error": {"code": "content_filter", "message": "no"}})
    )

    assert job.error == "content_filter: no"
    assert is_content_filter(job.error)


@pytest.mark.parametrize(
    ("code", "is_poll", "kind"),
    [
        ("forbidden", True, RowRefusedError),
        ("key_revoked", True, KeyRefusedError),
        ("forbidden", False, KeyRefusedError),
    ],
)
def test_a_403_for_one_job_is_no_revoked_key(code, is_poll, kind):
    answer = httpx.Response(403, json={"error": {"code": code, "message": "no"}})

    assert type(read_error(answer, is_poll=is_poll)) is kind
