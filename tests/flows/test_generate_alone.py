"""The main flow's own decisions, without a server: what it lets go of."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dailies.claim import claim_rows
from dailies.errors import LedgerError
from dailies.sandbox.testing import RunningSandbox
from dailies.settings import load_settings
from flows import generate as story
from tests.factories import make_file, make_folder, make_row, make_terms


async def test_what_was_claimed_is_let_go_of_where_the_run_cannot_be_set_up(
    tmp_path: Path, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEEKHUB_API_KEY", sandbox.api_key)
    monkeypatch.setenv("GEEKHUB_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("DAILIES_FX", "*=20")
    monkeypatch.setattr("dailies.production.read_past", _refuse)
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
