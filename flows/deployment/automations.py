"""The automations, as code: what each one watches, when it fires, and what it does."""

from datetime import timedelta
from uuid import UUID

from prefect.client.schemas.objects import StateType
from prefect.events.actions import ActionTypes, ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

from tasks.alarm import OVERDUE

FLOWS = ("generate", "settle", "mirror")
SILENCE = timedelta(minutes=10)
"""A run sends a heartbeat every three minutes; after three missed ones it is dead."""

_HEARTBEAT = "prefect.flow-run.heartbeat"
_ENDS = ("Completed", "Partial", "Open", "Nothing to do", "Failed", "TimedOut", "Crashed", "Cancelled", "Superseded")
_RUN = "{{ flow_run.name }}: {{ flow_run.state.name }}"
_MESSAGE = '{{ flow_run.state.message }}\n\n{{ (flow_run | ui_url) or "" }}'


def automations(alarm: UUID | None, silence: timedelta = SILENCE) -> list[AutomationCore]:
    """Return every automation; without a notification block, only those that do not notify.

    Args:
        alarm: the notification block that receives the alarms.
        silence: how long a run may send no heartbeat before it is marked as crashed.
    """
    notifying = [] if alarm is None else [_ended_badly(alarm), _partial(alarm), _overdue(alarm)]
    return [_zombies(silence), *notifying]


def _zombies(silence: timedelta) -> AutomationCore:
    dead = ChangeFlowRunState(
        state=StateType.CRASHED, message="The run sends no heartbeat: its process is dead. The next run continues."
    )
    return AutomationCore(
        name="dailies: a dead run is marked as crashed",
        description="A killed process cannot report its end, and its run would block the queue for ever.",
        trigger=EventTrigger(
            after={_HEARTBEAT},
            expect={_HEARTBEAT, *(f"prefect.flow-run.{name}" for name in _ENDS)},
            match=_resource("prefect.flow-run.*"),
            match_related=_of_flows("batch", *FLOWS),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=silence,
        ),
        actions=[dead],
    )


def _ended_badly(alarm: UUID) -> AutomationCore:
    return AutomationCore(
        name="dailies: a run failed or crashed",
        description="The account stopped it, most rows failed, its process died, or ledger and account differ.",
        trigger=_when_a_run_ends("Failed", "TimedOut", "Crashed"),
        actions=[_notify(alarm, f"Dailies: {_RUN}", _MESSAGE)],
    )


def _partial(alarm: UUID) -> AutomationCore:
    return AutomationCore(
        name="dailies: rows without a video",
        description="A run ended, but some rows failed for good.",
        trigger=_when_a_run_ends("Partial"),
        actions=[_notify(alarm, f"Dailies: {_RUN}", _MESSAGE)],
    )


def _overdue(alarm: UUID) -> AutomationCore:
    return AutomationCore(
        name="dailies: jobs rendering for longer than a day",
        description="Sent by settle, at most once a day for the same rows.",
        trigger=EventTrigger(
            expect={OVERDUE},
            match=_resource("dailies.ledger.*"),
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[_notify(alarm, "Dailies: {{ event.payload.rows }} jobs are overdue", "{{ event.payload.message }}")],
    )


def _when_a_run_ends(*states: str) -> EventTrigger:
    return EventTrigger(
        expect={f"prefect.flow-run.{name}" for name in states},
        match=_resource("prefect.flow-run.*"),
        match_related=_of_flows(*FLOWS),
        posture=Posture.Reactive,
        threshold=1,
        within=timedelta(0),
    )


def _resource(pattern: str) -> ResourceSpecification:
    return ResourceSpecification({"prefect.resource.id": pattern})


def _of_flows(*names: str) -> ResourceSpecification:
    return ResourceSpecification({"prefect.resource.role": "flow", "prefect.resource.name": list(names)})


def _notify(alarm: UUID, subject: str, body: str) -> ActionTypes:
    return SendNotification(block_document_id=alarm, subject=subject, body=body)
