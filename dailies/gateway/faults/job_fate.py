"""What the fault script does to a new job: refuse it, fail it, leave it stuck or pending, or nothing."""

from dataclasses import dataclass

from dailies.gateway.accounts.accounts import set_balance, write_fx
from dailies.gateway.accounts.money import to_micros
from dailies.gateway.errors import ApiError
from dailies.gateway.faults.kinds import (
    ContentFilter,
    FailJob,
    JobFault,
    PendingJob,
    SetBalance,
    SetFx,
    StuckJob,
)
from dailies.gateway.gateway import Gateway


@dataclass(frozen=True, slots=True)
class Fate:
    """How a job will end.

    Attributes:
        fails_with: its error; None: it becomes a video.
        fails_at_once: it fails before it is handed over.
        is_stuck: it is never done.
        is_held: it is pending until its first poll.
    """

    fails_with: str | None = None
    fails_at_once: bool = False
    is_stuck: bool = False
    is_held: bool = False


def decide_fate(gateway: Gateway, model: str, prompt: str, subject: str) -> Fate:
    """Ask every fault of jobs. All of them count the job; the first that fails it decides its error.

    Raises:
        ApiError: the provider's content filter refuses the prompt.
    """
    struck = []
    for trigger in gateway.faults.of_kind(JobFault):
        assert isinstance(trigger.fault, JobFault)
        if trigger.fault.concerns(model, prompt) and trigger.strikes(subject):
            struck.append(trigger.fault)
    for fault in struck:
        if isinstance(fault, ContentFilter) and fault.how == "reply":
            raise ApiError("provider_unavailable", fault.message)
    errors = [
        fault.message if isinstance(fault, ContentFilter) else fault.error
        for fault in struck
        if isinstance(fault, ContentFilter | FailJob)
    ]
    return Fate(
        fails_with=errors[0] if errors else None,
        fails_at_once=any(isinstance(fault, FailJob) and fault.at == "submit" for fault in struck),
        is_stuck=any(isinstance(fault, StuckJob) for fault in struck),
        is_held=any(isinstance(fault, PendingJob) for fault in struck),
    )


def change_account(gateway: Gateway, org_id: str) -> None:
    """Let the script change the balance and the exchange rate before a new job is checked."""
    for trigger in gateway.faults.of_kind(SetBalance, SetFx):
        if not trigger.strikes(org_id):
            continue
        if isinstance(trigger.fault, SetBalance):
            set_balance(gateway.store, org_id, to_micros(trigger.fault.balance_mxn), gateway.now_us)
        elif isinstance(trigger.fault, SetFx):
            write_fx(gateway.store, to_micros(trigger.fault.fx_mxn_per_usd))
