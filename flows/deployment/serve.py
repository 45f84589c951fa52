"""Serves the deployments of `prefect.yaml` on one machine, without a work pool and a worker."""

import os
import tempfile
from pathlib import Path
from typing import Any

from prefect import aserve, get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound
from prefect.flows import load_flow_from_entrypoint
from prefect.settings import get_current_settings
from prefect.types.entrypoint import EntrypointType

from flows.deployment.deploy import read_deployments
from flows.deployment.schedules import chosen_schedules

NOT_SERVED = ("batch",)
"""Batches of a run that fans out need a work pool; a served run keeps them in its own process."""


async def serve(limit: int) -> None:
    """Serve every deployment but ``batch`` until the process ends; keep the schedules that an operator chose.

    Args:
        limit: runs at the same time.

    Raises:
        SettingsError: there is no ``prefect.yaml``.
    """
    _find_room_for_runs()
    async with get_client() as client:
        served = [await _served(client, wanted) for wanted in read_served()]
    await aserve(*served, limit=limit)


def _find_room_for_runs() -> None:
    """Choose another temporary folder if Prefect's own, one for all users of a machine, belongs to another user."""
    shared = Path(tempfile.gettempdir()) / "runner_storage"
    if shared.exists() and not os.access(shared, os.W_OK):
        own = get_current_settings().home / "tmp"
        own.mkdir(parents=True, exist_ok=True)
        os.environ["TMPDIR"] = tempfile.tempdir = str(own)


def read_served() -> list[dict[str, Any]]:
    """Read the deployments of ``prefect.yaml`` that are served.

    Raises:
        SettingsError: there is no such file.
    """
    return [deployment for deployment in read_deployments() if deployment["name"] not in NOT_SERVED]


async def _served(client: PrefectClient, wanted: dict[str, Any]) -> RunnerDeployment:
    limit = wanted.get("concurrency_limit")
    flow: Any = load_flow_from_entrypoint(wanted["entrypoint"])
    name = f"{wanted['name']}-served"
    try:
        found = await client.read_deployment_by_name(f"{flow.name}/{name}")
    except ObjectNotFound:
        found = None
    served: RunnerDeployment = await flow.ato_deployment(
        name=name,
        description=wanted["description"],
        tags=wanted["tags"],
        version=str(wanted["version"]),
        schedules=chosen_schedules(found, wanted),
        concurrency_limit=ConcurrencyLimitConfig(**limit) if limit else None,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return served
