"""Keeps the schedules of deployments: the operator chooses times, parameters and activity; a deploy only adds."""

from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule


def chosen_schedules(found: DeploymentResponse | None, wanted: dict[str, Any]) -> list[DeploymentScheduleCreate]:
    """Return the schedules that a deployment has, and those of ``prefect.yaml`` whose slug it does not have."""
    there = [] if found is None else found.schedules
    slugs = {schedule.slug for schedule in there}
    missing = [schedule for schedule in wanted.get("schedules", []) if schedule["slug"] not in slugs]
    return [*map(_unchanged, there), *map(_as_written, missing)]


async def restore_schedules(client: PrefectClient, before: DeploymentResponse) -> None:
    """Restore a deployment's schedules after Prefect's own deploy has reset or removed them."""
    now = (await client.read_deployment(before.id)).schedules
    for schedule in before.schedules:
        same = [new for new in now if new.id == schedule.id or (new.slug is not None and new.slug == schedule.slug)]
        if not same:
            await client.create_deployment_schedules(before.id, [_unchanged(schedule)])
            continue
        await client.update_deployment_schedule(
            before.id,
            same[0].id,
            active=schedule.active,
            schedule=schedule.schedule,
            parameters=schedule.parameters,
        )


def _unchanged(schedule: DeploymentSchedule) -> DeploymentScheduleCreate:
    return DeploymentScheduleCreate(
        schedule=schedule.schedule, active=schedule.active, parameters=schedule.parameters, slug=schedule.slug
    )


def _as_written(schedule: dict[str, Any]) -> DeploymentScheduleCreate:
    return DeploymentScheduleCreate(
        schedule=CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"]),
        active=schedule["active"],
        slug=schedule["slug"],
    )
