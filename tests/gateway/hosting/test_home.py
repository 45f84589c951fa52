"""The page for people: what this is, what it has done, and nothing that a prompt could break."""

from html import unescape

import pytest

from dailies.gateway.testing import RunningSandbox
from tests.gateway.sandbox_client import get


def test_page_tells_what_this_is_before_the_first_job(sandbox: RunningSandbox):
    page = get(sandbox.root_url)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "This is not GeekHub" in page.text
    assert sandbox.base_url in page.text
    assert "100000.00 MXN" in page.text
    assert "None yet." in page.text
    assert sandbox.api_key not in page.text


def test_page_shows_jobs_videos_and_errors_without_moving_anything(submit, finish, sandbox: RunningSandbox):
    done = finish(submit()["id"])
    sandbox.set_faults({"kind": "fail_job", "at": "submit", "error": "<i>provider</i> gave up"})
    submit(prompt="a hare")
    sandbox.set_faults()
    submit(prompt="a bear")
    sandbox.clock.advance(10_000)
    page = get(sandbox.root_url).text
    path = done["video_url"].removeprefix(sandbox.root_url)
    assert f'src="{path}"' in page
    assert page.count("<video") == 1
    assert "1 completed, 1 failed, 1 processing" in page
    assert "failed: <i>provider</i> gave up" in unescape(page)
    assert "<i>" not in page
    assert page.index("a bear") < page.index("a hare")
    assert sandbox.jobs()[2].status == "processing"


def test_prompt_cannot_become_markup(submit, sandbox: RunningSandbox):
    prompt = """<script>alert(1)</script>"><img src=x onerror='x'>{facts}&amp;"""
    submit(prompt=prompt)
    page = get(sandbox.root_url)
    assert "<script" not in page.text
    assert "<img" not in page.text
    assert prompt in unescape(page.text)
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_page_loads_nothing_from_elsewhere(submit, finish, sandbox: RunningSandbox):
    finish(submit()["id"])
    page = get(sandbox.root_url).text
    assert "http" not in page.replace(sandbox.base_url, "")


@pytest.mark.parametrize(("host", "status"), [("localhost:1", 200), ("evil.example", 404)])
def test_page_is_for_this_machine_only(sandbox: RunningSandbox, host, status):
    answer = get(sandbox.root_url, headers={"Host": host})
    assert answer.status_code == status
