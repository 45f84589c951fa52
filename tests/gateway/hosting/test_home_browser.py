"""The page for people in a real browser: it shows the balance and the videos, and they play."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dailies.gateway.testing import RunningSandbox
from tests.report.browser import Page, chromium, needs_chromium

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with chromium(tmp_path / "chromium") as page:
        yield page


def test_a_person_sees_the_balance_the_prompts_and_videos_that_play(
    submit, finish, sandbox: RunningSandbox, page: Page
) -> None:
    finish(submit(prompt="<script>document.title = 'broken'</script> a hare in the snow")["id"])
    page.open(sandbox.root_url)
    words = page.run("document.body.innerText")
    assert "This is not GeekHub" in words
    assert f"{sandbox.balance_mxn():.2f} MXN" in words
    assert "<script>document.title = 'broken'</script> a hare in the snow" in words
    assert page.run("document.title") != "broken"
    page.wait_for("(v => { v.muted = true; v.play(); return v.currentTime > 0; })(document.querySelector('video'))")
    assert all(url.startswith(sandbox.root_url) for url in page.requests)
