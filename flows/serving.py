"""Serving: the deployments of `prefect.yaml` on one machine, without a work pool and a worker."""

from typing import Any

import yaml
from prefect import aserve
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.flows import load_flow_from_entrypoint
from prefect.types.entrypoint import EntrypointType

from dailies.errors import SettingsError
from flows.deploy import PROJECT

NOT_SERVED = ("batch",)
"""Batches of a run that fans out need a work pool; a served run keeps them in its own process."""


async def serve(limit: int) -> None:
    """Serve every deployment but ``batch`` until the process ends; schedules are as in ``prefect.yaml``.

    Args:
        limit: runs at a time.

    Raises:
        SettingsError: there is no ``prefect.yaml``.
    """
    await aserve(*[await _served(wanted) for wanted in read_served()], limit=limit)


def read_served() -> list[dict[str, Any]]:
    """The deployments that are served, as ``prefect.yaml`` describes them.

    Raises:
        SettingsError: there is no such file.
    """
    if not PROJECT.exists():
        raise SettingsError("There is no prefect.yaml: serve from a clone of the project, where it lies.")
    wanted: list[dict[str, Any]] = yaml.safe_load(PROJECT.read_text("utf-8"))["deployments"]
    return [deployment for deployment in wanted if deployment["name"] not in NOT_SERVED]


async def _served(wanted: dict[str, Any]) -> RunnerDeployment:
    limit = wanted.get("concurrency_limit")
    flow: Any = load_flow_from_entrypoint(wanted["entrypoint"])
    schedules = [
        DeploymentScheduleCreate(
            schedule=CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"]),
            active=schedule["active"],
            slug=schedule["slug"],
        )
        for schedule in wanted.get("schedules", [])
    ]
    served: RunnerDeployment = await flow.ato_deployment(
        name=f"{wanted['name']}-served",
        description=wanted["description"],
        tags=wanted["tags"],
        version=str(wanted["version"]),
        schedules=schedules,
        concurrency_limit=ConcurrencyLimitConfig(**limit) if limit else None,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return served
