"""On what terms a run claims: what the account held when it was asked, and what has left it since."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import stamina
from pydantic import SecretStr

from dailies.errors import RefusedError
from dailies.gateway.testing import RunningSandbox, running_sandbox
from dailies.geekhub_client.client import GeekHubClient
from dailies.ledger.entry import EntryStatus
from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal_fold import fold_batch
from dailies.ledger.journal_writer import Journal
from dailies.ledger.snapshot import BookedCharges, read_booked
from dailies.planning.caps import Caps
from dailies.planning.claim import Claim, claim_rows
from dailies.planning.options import RunOptions
from dailies.planning.terms import Balance, Terms, ask_balance, require_ledger, terms_from
from dailies.settings import Settings
from tests.factories import (
    BATCH,
    KLING_5_S_MXN,
    LIVE_KEY,
    NOW,
    OTHER_BATCH,
    TEST_KEY,
    completed,
    make_entry,
    make_file,
    make_folder,
    make_rows,
    make_tariff,
)

OURS, THEIRS = make_rows(*"abcdefghijkl"), make_rows(*"mnopqrstuv")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """One that has 50.40 MXN, which is twelve videos."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        running.recharge(12 * KLING_5_S_MXN - running.balance_mxn())
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    return make_folder(tmp_path / "ledger")


def settings_of(sandbox: RunningSandbox, **changes: object) -> Settings:
    service = {"geekhub_base_url": sandbox.base_url, "geekhub_api_key": SecretStr(sandbox.api_key)}
    return Settings.model_validate({**service, **changes})


def terms_now(sandbox: RunningSandbox, folder: LedgerFolder, *, fit: bool = False) -> Terms:
    """The terms of a run that asks for the balance just now."""
    settings = settings_of(sandbox)
    terms = terms_from(settings, RunOptions(fit=fit), balance=asyncio.run(ask_balance(settings, folder)))
    return replace(terms, tariff=make_tariff())


def collect(folder: LedgerFolder, claim: Claim) -> None:
    """Every row of a claim gets its video, and its charge."""

    async def complete() -> None:
        for batch in claim.batches:
            journal = Journal.own(folder.journals / batch.batch_id, "them")
            for row in batch.rows:
                await journal.put(completed(row.entry), final=True)
            journal.close()

    asyncio.run(complete())


@pytest.mark.parametrize("is_folded", [False, True])
def test_what_another_run_is_charged_after_the_balance_was_asked_is_no_longer_in_it(sandbox, folder, is_folded):
    theirs = claim_rows(folder, make_file(*THEIRS), terms_now(sandbox, folder), NOW)
    terms = terms_now(sandbox, folder)
    collect(folder, theirs)
    if is_folded:
        theirs.release()
        fold_batch(folder, theirs.batches[0].batch_id, "them")

    with pytest.raises(RefusedError, match=r"The balance is 8\.40 MXN, but this run may cost up to 50\.40"):
        claim_rows(folder, make_file(*OURS), terms, NOW)
    fitting = replace(terms, caps=replace(terms.caps, fit=True))
    claim = claim_rows(folder, make_file(*OURS), fitting, NOW)

    assert len(claim.plan.todo) == 2
    claim.release()
    theirs.release()


def test_what_was_booked_before_the_balance_was_asked_is_not_taken_off_again(sandbox, folder):
    folder.put([completed(make_entry(row.prompt)) for row in THEIRS])

    claim = claim_rows(folder, make_file(*OURS), terms_now(sandbox, folder), NOW)

    assert len(claim.plan.todo) == 12
    claim.release()


def test_a_charge_that_is_not_known_is_taken_off_at_its_worst(folder):
    asked = Balance(5 * KLING_5_S_MXN, read_booked(folder))
    terms = replace(terms_from(Settings(), RunOptions(fit=True), balance=asked), tariff=make_tariff())
    folder.put([completed(make_entry("z"), charged_mxn=None, charged_usd=None, fx_mxn_per_usd=None)])

    claim = claim_rows(folder, make_file(*OURS), terms, NOW)

    assert len(claim.plan.todo) == 4
    claim.release()


def test_a_charge_that_becomes_known_below_its_worst_case_gives_nothing_back(folder):
    """A settlement books it between the question for the balance and the claim."""
    bought = completed(make_entry("z"), charged_mxn=None, charged_usd=None, fx_mxn_per_usd=None)
    folder.put([bought])
    asked = Balance(12 * KLING_5_S_MXN, read_booked(folder))
    folder.put([completed(make_entry("z"), charged_mxn=Decimal("0.10"))])

    terms = replace(terms_from(Settings(), RunOptions(fit=True), balance=asked), tariff=make_tariff())
    claim = claim_rows(folder, make_file(*OURS), terms, NOW)

    assert len(claim.plan.todo) == 11
    claim.release()


def test_what_is_booked_counts_each_charge_once_whatever_the_month(folder):
    bought = completed(make_entry("a", batch_id=BATCH))
    folder.put([bought, completed(make_entry("b", batch_id=OTHER_BATCH), completed_at=NOW.replace(month=3))])
    folder.put([make_entry("open", status=EntryStatus.PROCESSING, job_id="job-open")])
    claim = claim_rows(folder, make_file(*make_rows("open", "c")), Terms(make_tariff(), Caps()), NOW)
    assert read_booked(folder) == BookedCharges(2 * KLING_5_S_MXN)
    collect(folder, claim)

    assert read_booked(folder) == BookedCharges(4 * KLING_5_S_MXN)
    folder.put(completed(row.entry) for row in claim.batches[0].rows)  # in both for a moment, as in a fold
    assert read_booked(folder) == BookedCharges(4 * KLING_5_S_MXN)
    claim.release()


def test_what_is_charged_while_the_balance_is_asked_is_taken_off_rather_twice_than_never(sandbox, folder, monkeypatch):
    ask = GeekHubClient.read_balance

    async def book_then_ask(client: GeekHubClient) -> Decimal | None:
        folder.put([completed(make_entry("z"))])
        return await ask(client)

    monkeypatch.setattr(GeekHubClient, "read_balance", book_then_ask)

    assert asyncio.run(ask_balance(settings_of(sandbox), folder)) == Balance(12 * KLING_5_S_MXN, BookedCharges())


@contextlib.contextmanager
def credits_page(status: int, content: str, video: tuple[int, str] = (500, "")) -> Iterator[str]:
    """A GeekHub that has models, and answers so when it is asked for the balance, or for a job; its address."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = self.path.split("/")[2]
            pages = {"credits": (status, content), "videos": video}
            code, text = pages.get(page, (200, '{"object": "list", "data": []}'))
            body = text.encode()
            self.send_response(code)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def ask(url: str, folder: LedgerFolder) -> Balance:
    settings = Settings.model_validate({"geekhub_base_url": url, "geekhub_api_key": SecretStr(LIVE_KEY)})
    with stamina.set_testing(True, attempts=100, cap=True):
        return asyncio.run(ask_balance(settings, folder))


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (500, "internal_error", "try again later"),
        (503, "provider_unavailable", "try again later"),
        (401, "key_revoked", "set GEEKHUB_API_KEY to a valid key"),
        (400, "invalid_request_error", "is GEEKHUB_BASE_URL right"),
    ],
)
def test_a_run_does_not_go_on_without_the_balance_that_the_service_only_fails_to_tell(folder, status, code, remedy):
    body = json.dumps({"error": {"message": "no", "type": "error", "code": code, "request_id": "req_1"}})

    with credits_page(status, body) as url, pytest.raises(RefusedError, match=f"Nothing was spent; {remedy}"):
        ask(url, folder)


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_service_that_has_no_page_for_it_tells_no_balance(folder, status):
    with credits_page(status, "<html>") as url:
        assert ask(url, folder).mxn is None


def test_a_refusal_for_lack_of_money_is_a_balance_of_nothing(folder):
    """So that a run can collect what was ordered."""
    body = json.dumps({"error": {"message": "no", "code": "insufficient_balance"}})
    with credits_page(402, body) as url:
        assert ask(url, folder).mxn == 0


def refused(code: str) -> str:
    return json.dumps({"error": {"message": "no", "code": code, "request_id": "req_1"}})


@pytest.mark.parametrize(("status", "code"), [(404, "job_not_found"), (403, "forbidden")])
def test_the_key_of_another_account_is_refused_before_the_first_submit(folder, status, code):
    known_to(folder)
    with (
        credits_page(200, '{"balance_mxn": 500}', (status, refused(code))) as url,
        pytest.raises(
            RefusedError, match=r"belongs to another account than the ledger .*job job-2.* Nothing was spent"
        ),
    ):
        ask(url, folder)


@pytest.mark.parametrize("organisation", [None, "7f1f0c9e-0000-4000-8000-00000000000a"])
def test_the_key_of_the_ledgers_account_passes(folder, organisation):
    known_to(folder, organisation)
    done = json.dumps({"id": "job-2", "status": "completed", "video_url": "https://v.test/a.mp4"})
    with credits_page(200, '{"balance_mxn": 500}', (200, done) if organisation else (404, refused("no"))) as url:
        assert ask(url, folder).mxn == 500


def known_to(folder: LedgerFolder, organisation: str | None = "7f1f0c9e-0000-4000-8000-00000000000a") -> None:
    """Let a ledger know its organisation and two finished jobs."""
    for number, name in enumerate(("older", "newer"), 1):
        bought = completed(make_entry(name, job_id=f"job-{number}"), completed_at=NOW.replace(hour=number))
        folder.put([replace(bought, job_id=f"job-{number}", video_url="https://v.test/a.mp4")])
    if organisation:
        folder.require_organisation(organisation)


@pytest.mark.parametrize("unsent", [(), (EntryStatus.REJECTED, EntryStatus.PLANNED)])
def test_a_new_ledger_is_not_used_for_money_unless_a_person_asks_for_it(folder, unsent):
    live = Settings.model_validate({"geekhub_api_key": SecretStr(LIVE_KEY)})
    folder.put(make_entry(str(status), status=status) for status in unsent)
    with pytest.raises(RefusedError, match=r"is a new ledger.*Nothing was spent.*--new-ledger"):
        require_ledger(folder, live, RunOptions())

    require_ledger(folder, live, RunOptions(new_ledger=True))
    require_ledger(folder, Settings.model_validate({"geekhub_api_key": SecretStr(TEST_KEY)}), RunOptions())
    folder.put([completed(make_entry("a", batch_id=BATCH))])
    require_ledger(folder, live, RunOptions())
