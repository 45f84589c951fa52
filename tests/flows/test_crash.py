"""Runs that are killed, run twice at once, or paused: every row is bought once, and the ledger equals the account."""

import signal
from collections import Counter
from collections.abc import Callable
from decimal import Decimal

import pytest

from dailies.gateway.testing import RunningSandbox
from dailies.ledger.entry import EntryStatus
from tests.workplace import Workplace, wait_until

pytestmark = pytest.mark.e2e

_INSTANTS: dict[str, Callable[[RunningSandbox], bool]] = {
    "at the first submit": lambda sandbox: len(sandbox.jobs()) >= 1,
    "amid the submits": lambda sandbox: len(sandbox.jobs()) >= 25,
    "at the first charge": lambda sandbox: sandbox.consumed_mxn() > 0,
    "near the end": lambda sandbox: sandbox.consumed_mxn() >= Decimal("4.20") * 30,
}


def _assert_bought_once(workplace: Workplace, rows: int) -> None:
    entries = workplace.entries()
    assert Counter(entry.status for entry in entries) == {EntryStatus.COMPLETED: rows}
    assert len({entry.row_key for entry in entries}) == rows
    charges = Counter(
        str(transaction.job_id) for transaction in workplace.sandbox.transactions() if transaction.job_id is not None
    )
    assert set(charges) == {entry.job_id for entry in entries}
    assert set(charges.values()) == {1}
    assert workplace.charged_mxn() == workplace.sandbox.consumed_mxn()
    assert not any(workplace.ledger.journals.iterdir())


@pytest.mark.parametrize("instant", _INSTANTS)
def test_a_killed_run_is_taken_up_where_it_was(workplace: Workplace, instant: str) -> None:
    prompts = workplace.write_csv(40)
    with workplace.start("run", prompts) as killed:
        wait_until(lambda: _INSTANTS[instant](workplace.sandbox) or killed.poll() is not None)
        killed.kill()
        killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    again = workplace.run("run", prompts)
    assert again.returncode == 0, again.stdout
    _assert_bought_once(workplace, 40)


def test_what_a_kill_leaves_half_removed_is_gone_after_a_run_that_has_nothing_to_do(workplace: Workplace) -> None:
    prompts = workplace.write_csv(3)
    assert workplace.run("run", prompts, DAILIES_FAILPOINT="after-rename:1").returncode == -signal.SIGKILL
    assert [path.suffix for path in workplace.ledger.journals.iterdir()] == [".folded"]
    again = workplace.run("run", prompts)
    assert again.returncode == 0, again.stdout
    assert "nothing to do" in again.stdout
    _assert_bought_once(workplace, 3)


def test_two_runs_of_one_csv_at_once_buy_every_row_once_and_share_the_cap(workplace: Workplace) -> None:
    prompts = workplace.write_csv(20)
    cap = {"DAILIES_MAX_MONTH_MXN": "84"}  # exactly the twenty rows' worst case
    with workplace.start("run", prompts, **cap) as one, workplace.start("run", prompts, **cap) as other:
        said = [process.communicate(timeout=240)[0] for process in (one, other)]
    assert {one.returncode, other.returncode} <= {0, 3}, said
    final = workplace.run("run", prompts, **cap)
    assert final.returncode == 0, final.stdout
    _assert_bought_once(workplace, 20)
    assert workplace.sandbox.consumed_mxn() <= 84


def test_a_paused_run_that_was_taken_over_stops_at_its_next_write(workplace: Workplace) -> None:
    prompts = workplace.write_csv(20)
    with workplace.start("run", prompts) as paused:
        wait_until(lambda: len(workplace.sandbox.jobs()) >= 5 or paused.poll() is not None)
        paused.send_signal(signal.SIGSTOP)
        (batch,) = (path.name for path in workplace.ledger.journals.iterdir() if not path.name.startswith("."))
        taker = workplace.run("run", prompts, "--take-over", batch)
        paused.send_signal(signal.SIGCONT)
        said, _ = paused.communicate(timeout=120)
    assert taker.returncode == 0, taker.stdout
    assert "taken over by another run" in said
    _assert_bought_once(workplace, 20)
