"""The main flow's own decisions, without a server: what it lets go of, and which batches it begins."""

import asyncio
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prefect.states import Completed

from dailies.errors import BalanceEmptyError, LedgerError
from dailies.gateway.testing import RunningSandbox
from dailies.ledger.entry import EntryStatus
from dailies.ledger.manifest import ClaimedRow, Manifest
from dailies.planning.claim import claim_rows
from dailies.run.stop import Stop
from dailies.settings import load_settings
from flows import generate as story
from tests.factories import make_entry, make_file, make_folder, make_row, make_terms


async def test_what_was_claimed_is_let_go_of_where_the_run_cannot_be_set_up(
    tmp_path: Path, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEEKHUB_API_KEY", sandbox.api_key)
    monkeypatch.setenv("GEEKHUB_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("DAILIES_FX", "*=20")
    monkeypatch.setattr("dailies.run.context.read_past", _refuse)
    csv = tmp_path / "prompts.csv"
    csv.write_text("prompt,aspect_ratio,duration\na lighthouse at dusk,16:9,5\n", "utf-8")
    with pytest.raises(LedgerError, match="a bad disk"):
        await story.generate.fn(str(csv), max_cost_mxn=None)

    folder = make_folder(load_settings().ledger_path, "sandbox")
    assert folder.entries() == []
    claim = claim_rows(folder, make_file(make_row()), make_terms(), datetime.now(UTC))
    claim.release()
    assert (claim.plan.elsewhere, len(claim.batches)) == ((), 1)


def _refuse(*_: object) -> None:
    raise LedgerError("a bad disk")


@pytest.mark.parametrize(("may_poll", "begun"), [(True, ["a", "c", "d"]), (False, ["a"])])
async def test_when_nothing_may_be_submitted_batches_with_jobs_to_collect_begin(
    monkeypatch: pytest.MonkeyPatch, may_poll: bool, begun: list[str]
) -> None:
    planned = ClaimedRow(make_entry(), ("fal/kling-2",))
    sent = replace(planned, entry=make_entry(status=EntryStatus.PROCESSING, job_id="job-1"))
    rows = {"a": (planned,), "b": (planned,), "c": (planned, sent), "d": (sent,)}
    context: Any = SimpleNamespace(stop=Stop(), submitted=defaultdict(asyncio.Event))
    began: list[str] = []

    async def batch(batch_id: str, **_: object) -> Any:
        began.append(batch_id)
        empty = BalanceEmptyError("the balance is used up")
        (context.stop.submits if may_poll else context.stop.everything)(empty)
        return Completed()

    monkeypatch.setattr(story, "batch", batch)
    await story._run_here(context, [Manifest(name, "prompts.csv", "run", some) for name, some in rows.items()])
    assert began == begun


def test_a_signed_url_leaves_its_signature_out_of_the_runs_name(monkeypatch: pytest.MonkeyPatch) -> None:
    csv = "https://user:pass@files.test/a.csv?X-Amz-Signature=deadbeef"
    monkeypatch.setattr(story, "flow_run", SimpleNamespace(parameters={"csv": csv}))
    name = story._first_name()
    assert name.startswith("https://files.test/a.csv?")
    assert not any(part in name for part in ("pass", "Signature", "deadbeef"))
    assert story.generate.flow_run_name is story._first_name
