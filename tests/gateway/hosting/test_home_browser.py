"""The page for people in a real browser: it shows the balance and the videos, and they play."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dailies.gateway.testing import RunningSandbox
from tests.gateway.sandbox_client import client_of, get
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


class Elsewhere(BaseHTTPRequestHandler):
    """An empty page of another origin."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def foreign_page(page: Page) -> Iterator[Page]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    page.open(f"http://127.0.0.1:{server.server_address[1]}/")
    yield page
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_page_of_another_origin_reads_and_writes_nothing(sandbox: RunningSandbox, foreign_page: Page) -> None:
    """Even with the keys, which it cannot have."""
    attempt = """
        (async () => {
          const read = [];
          const keys = [undefined, 'Bearer %s', 'Bearer %s'];
          for (const path of %s) for (const method of ['GET', 'POST', 'DELETE']) for (const key of keys)
            for (const mode of ['cors', 'no-cors']) {
              const headers = {'content-type': mode === 'cors' ? 'application/json' : 'text/plain'};
              if (key) headers.authorization = key;
              const body = method === 'GET' ? undefined : '{"fx_mxn_per_usd": "1", "name": "x", "amount_mxn": "5"}';
              try {
                const answer = await fetch('%s' + path, {method, mode, headers, body});
                if (await answer.text()) read.push(`${method} ${path}`);
              } catch { }
            }
          return JSON.stringify(read);
        })()
    """
    paths = ["/", "/healthz", "/sandbox/account", "/sandbox/fx", "/sandbox/recharge", "/v1/credits"]
    paths += ["/storage/v1/bucket", "/openapi.json"]
    keys = (sandbox.api_key, sandbox.storage.service_key)
    assert json.loads(foreign_page.run(attempt % (*keys, json.dumps(paths), sandbox.root_url))) == []
    assert get(f"{sandbox.root_url}/healthz").status_code == 200
    assert (sandbox.balance_mxn(), len(sandbox.transactions())) == (100_000, 1)
    with client_of(sandbox) as api:
        assert api.get(f"{sandbox.root_url}/sandbox/account").json()["fx_mxn_per_usd"] == "20.00"
    buckets = get(f"{sandbox.root_url}/storage/v1/bucket", headers={"authorization": f"Bearer {keys[1]}"}).json()
    assert [bucket["name"] for bucket in buckets] == ["generated-videos"]
