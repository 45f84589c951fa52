"""A batch on a machine of its own, without a Prefect server: whose account it works for."""

import asyncio
import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import stamina

from dailies.errors import RefusedError
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal_writer import Journal, create_journal
from dailies.run.context import RunContext
from flows import batch as story
from tests.factories import LIVE_KEY, completed, make_entry, make_folder, make_manifest
from tests.stubs import answering

OTHER_BATCH = "20261111T180000-0000000f"
DONE = json.dumps({"id": "job-1", "status": "completed", "video_url": "https://v.test/a.mp4"})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LedgerFolder:
    """A ledger for real money that knows its organisation and a finished job."""
    monkeypatch.setenv("GEEKHUB_API_KEY", LIVE_KEY)
    monkeypatch.setenv("DAILIES_LEDGER_DIR", str(tmp_path / "ledger"))
    folder = make_folder(tmp_path / "ledger", "live")
    with folder.lock():
        bought = completed(make_entry("bought", batch_id=OTHER_BATCH))
        folder.put([replace(bought, job_id="job-1", video_url="https://v.test/a.mp4")])
    folder.require_organisation("7f1f0c9e-0000-4000-8000-00000000000a")
    return folder


async def test_the_key_of_another_account_is_refused_before_a_row_begins(
    folder: LedgerFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = json.dumps({"error": {"message": "no", "code": "job_not_found", "request_id": "req_1"}})
    with answering({"/v1/videos/job-1": (404, refusal)}) as url:
        monkeypatch.setenv("GEEKHUB_BASE_URL", f"{url}/v1")
        with pytest.raises(RefusedError, match="belongs to another account"):
            await _begin(folder)


async def test_a_batch_that_begins_during_an_outage_waits_for_its_end(
    folder: LedgerFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Knows, bind_and_activate=False)
    server.server_bind()  # connections are refused until it listens
    monkeypatch.setenv("GEEKHUB_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1")
    back = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})

    def recover(_context: RunContext, _seconds: float) -> None:
        if not back.is_alive():
            server.server_activate()
            back.start()

    monkeypatch.setattr("dailies.pacing.gate.Gatekeeper.hold", recover)
    with stamina.set_testing(True, attempts=1):
        context = await _begin(folder)
    await asyncio.to_thread(server.shutdown)
    back.join()
    server.server_close()

    assert context.stop.may_submit


class Knows(BaseHTTPRequestHandler):
    """GeekHub, which knows the ledger's job."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(DONE)))
        self.end_headers()
        self.wfile.write(DONE.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


async def _begin(folder: LedgerFolder) -> RunContext:
    manifest = make_manifest(make_entry("open"))
    lock = create_journal(folder.journals, manifest)
    journal = Journal.own(folder.journals / manifest.batch_id, "me")
    try:
        async with story._run_context(journal) as context:
            return context
    finally:
        journal.close()
        lock.release()
