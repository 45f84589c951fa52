"""Serving: the deployments of `prefect.yaml` on one machine, without a work pool and a worker."""

import os
import tempfile
from pathlib import Path
from typing import Any

import yaml
from prefect import aserve, get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound
from prefect.flows import load_flow_from_entrypoint
from prefect.settings import get_current_settings
from prefect.types.entrypoint import EntrypointType

from dailies.errors import SettingsError
from flows.deployment.deploy import PROJECT
from flows.deployment.schedules import chosen_schedules

NOT_SERVED = ("batch",)
"""Batches of a run that fans out need a work pool; a served run keeps them in its own process."""


async def serve(limit: int) -> None:
    """Serve every deployment but ``batch`` until the process ends; schedules stay as an operator left them.

    Args:
        limit: runs at a time.

    Raises:
        SettingsError: there is no ``prefect.yaml``.
    """
    _find_room_for_runs()
    async with get_client() as client:
        served = [await _served(client, wanted) for wanted in read_served()]
    await aserve(*served, limit=limit)


def _find_room_for_runs() -> None:
    """Prefect's runs have a folder of one name for all users of a machine; only the first of them can write there."""
    shared = Path(tempfile.gettempdir()) / "runner_storage"
    if shared.exists() and not os.access(shared, os.W_OK):
        own = get_current_settings().home / "tmp"
        own.mkdir(parents=True, exist_ok=True)
        os.environ["TMPDIR"] = tempfile.tempdir = str(own)


def read_served() -> list[dict[str, Any]]:
    """The deployments that are served, as ``prefect.yaml`` describes them.

    Raises:
        SettingsError: there is no such file.
    """
    if not PROJECT.exists():
        raise SettingsError("There is no prefect.yaml: serve from a clone of the project, where it lies.")
    wanted: list[dict[str, Any]] = yaml.safe_load(PROJECT.read_text("utf-8"))["deployments"]
    return [deployment for deployment in wanted if deployment["name"] not in NOT_SERVED]


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
