"""How a run ends: a stop that came after the last row changes nothing."""

from typing import Any

import pytest

from dailies.errors import BalanceEmptyError
from dailies.planning.outcome import Outcome, RowOutcome
from dailies.run.stop import Stop, StopCause
from flows.final_states import final_state
from tests.factories import completed, make_entry, make_file, make_row


class NoClaim:
    batches = ()


def state_of(stop: Stop, *, finished: bool) -> str:
    row = make_row("red")
    entry = completed(make_entry("red")) if finished else None
    claim: Any = NoClaim()
    return final_state(stop, claim, Outcome(make_file(row), (RowOutcome(row, entry, None, finished),)), 0.5).type.value


def stopped(cause: StopCause) -> Stop:
    stop = Stop()
    stop.everything("the process got a signal to end", cause)
    return stop


@pytest.mark.parametrize("cause", [StopCause.TERMINATED, StopCause.REQUEST])
def test_a_run_that_is_ended_while_it_writes_its_report_is_complete(cause: StopCause) -> None:
    assert state_of(stopped(cause), finished=True) == "COMPLETED"


def test_a_run_that_is_ended_with_open_rows_says_so() -> None:
    assert state_of(stopped(StopCause.TERMINATED), finished=False) == "CRASHED"
    assert state_of(stopped(StopCause.REQUEST), finished=False) == "CANCELLED"


def test_a_fault_is_reported_although_nothing_is_open() -> None:
    stop = Stop()
    stop.submits(BalanceEmptyError("the balance is used up"))
    assert state_of(stop, finished=True) == "FAILED"
