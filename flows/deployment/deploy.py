"""Deploys: creates what the deployments need on a Prefect server, then creates or updates the deployments."""

import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import yaml
from prefect import get_client
from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.responses import DeploymentResponse
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema

from dailies.errors import ServerError, SettingsError
from dailies.settings import Settings, environment_without_secrets
from flows.deployment.automations import automations
from flows.deployment.pools import make_pool
from flows.deployment.schedules import restore_schedules
from flows.home import ROOT
from tasks.blocks import GeekHubCredentials, GeekHubVideo
from tasks.submit_rate import SUBMITS, ensure_limit

PROJECT = ROOT / "prefect.yaml"


async def deploy(settings: Settings, *, pool_type: str = "process", may_store_key: bool) -> AsyncIterator[str]:
    """Make the server match ``prefect.yaml`` and the settings; yield a line for each change.

    Args:
        settings: they name the blocks and the submit rate.
        pool_type: the type of a work pool that has to be created: process, docker, kubernetes, ...
        may_store_key: whether the server may get the key, in a credentials block.

    Raises:
        SettingsError: there is no ``prefect.yaml``, or a block that the settings name does not exist or may not be
            created.
        ServerError: Prefect refused a deployment; the message has its output.
    """
    wanted = read_deployments()
    async with get_client() as client:
        for part in (
            _create_pools(client, wanted, pool_type),
            _create_limit(client, settings),
            _create_blocks(client, settings, may_store_key=may_store_key),
            _update_automations(client, settings),
            _update_deployments(client, wanted),
        ):
            async for change in part:
                yield change


def read_deployments() -> list[dict[str, Any]]:
    """Read the deployments of ``prefect.yaml``.

    Raises:
        SettingsError: there is no such file.
    """
    if not PROJECT.exists():
        raise SettingsError("There is no prefect.yaml: deploy or serve from a clone of the project, which has one.")
    deployments: list[dict[str, Any]] = yaml.safe_load(PROJECT.read_text("utf-8"))["deployments"]
    return deployments


async def _create_pools(client: PrefectClient, wanted: list[dict[str, Any]], pool_type: str) -> AsyncIterator[str]:
    for name in sorted({deployment["work_pool"]["name"] for deployment in wanted}):
        try:
            await client.read_work_pool(name)
        except ObjectNotFound:
            await make_pool(client, name, pool_type)
            yield f"work pool {name!r} ({pool_type}): created"


async def _create_limit(client: PrefectClient, settings: Settings) -> AsyncIterator[str]:
    try:
        await client.read_global_concurrency_limit_by_name(SUBMITS)
    except ObjectNotFound:
        await ensure_limit(settings.submit_rate_per_s)
        yield f"global concurrency limit {SUBMITS!r}: created"


async def _create_blocks(client: PrefectClient, settings: Settings, *, may_store_key: bool) -> AsyncIterator[str]:
    for kind in (GeekHubCredentials, GeekHubVideo):
        if not await _is_registered(client, kind):
            await kind.aregister_type_and_schema(client=client)
            yield f"block type {kind.get_block_type_slug()!r}: registered"
    name = settings.credentials_block
    if name is None or await _find_block(client, f"{GeekHubCredentials.get_block_type_slug()}/{name}") is not None:
        return
    if settings.geekhub_api_key is None:
        raise SettingsError(
            f"DAILIES_CREDENTIALS_BLOCK names a block {name!r} that does not exist: set GEEKHUB_API_KEY for this one"
            " command, which then creates the block, or create it in the UI under Blocks."
        )
    if not may_store_key:
        raise SettingsError(
            f"The block {name!r} was not created, because this Prefect server asks for no password: anyone who"
            " reaches it could read the key. Give it a password (docs/operations.md, Secrets), or add --open-server."
        )
    block = GeekHubCredentials(api_key=settings.geekhub_api_key, base_url=settings.geekhub_base_url)
    await block.asave(name, client=client)
    yield f"credentials block {name!r}: created"


async def _is_registered(client: PrefectClient, kind: type[Block]) -> bool:
    try:
        await client.read_block_type_by_slug(kind.get_block_type_slug())
        await client.read_block_schema_by_checksum(kind._calculate_schema_checksum())  # noqa: SLF001 - it has no other name
    except ObjectNotFound:
        return False
    return True


async def _find_block(client: PrefectClient, slug_and_name: str) -> UUID | None:
    slug, _, name = slug_and_name.partition("/")
    try:
        return (await client.read_block_document_by_name(name, slug, include_secrets=False)).id
    except ObjectNotFound:
        return None


async def _update_automations(client: PrefectClient, settings: Settings) -> AsyncIterator[str]:
    alarm = None
    if settings.alarm_block is not None:
        alarm = await _find_block(client, settings.alarm_block)
        if alarm is None:
            raise SettingsError(
                f"DAILIES_ALARM_BLOCK names a block {settings.alarm_block!r} that does not exist: create it in the UI"
                " under Blocks; the form is type/name, such as slack-webhook/alarms."
            )
    for wanted in automations(alarm):
        found = next(iter(await client.read_automations_by_name(wanted.name)), None)
        if found is None:
            await client.create_automation(wanted)
            yield f"automation {wanted.name!r}: created"
        elif _substance(found) != _substance(wanted):
            # The operator chooses whether it is switched on.
            await client.update_automation(found.id, wanted.model_copy(update={"enabled": found.enabled}))
            yield f"automation {wanted.name!r}: updated"


def _substance(automation: AutomationCore) -> dict[str, Any]:
    """Return what an update would change, in a comparable form."""
    content = automation.model_dump(mode="json", include={"description", "trigger", "actions"})
    sets = ("after", "expect", "for_each")
    return {**content, "trigger": content["trigger"] | {name: sorted(content["trigger"][name]) for name in sets}}


async def _update_deployments(client: PrefectClient, wanted: list[dict[str, Any]]) -> AsyncIterator[str]:
    before: list[DeploymentResponse] = []
    changes: list[str] = []
    for deployment in wanted:
        flow: Any = load_flow_from_entrypoint(deployment["entrypoint"])
        name = f"{flow.name}/{deployment['name']}"
        try:
            found = await client.read_deployment_by_name(name)
        except ObjectNotFound:
            changes.append(f"deployment {name!r}: created")
            continue
        before.append(found)
        fields = _fields(found, deployment, parameter_schema(flow).model_dump())
        changed = ", ".join(field for field, (is_now, should_be) in fields.items() if is_now != should_be)
        if changed:
            changes.append(f"deployment {name!r}: updated ({changed})")
    if changes:
        _prefect_deploy()
        for found in before:
            await restore_schedules(client, found)
    for change in changes:
        yield change


def _fields(found: DeploymentResponse, wanted: dict[str, Any], schema: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    limit = found.global_concurrency_limit.limit if found.global_concurrency_limit else None
    slugs = {schedule["slug"] for schedule in wanted.get("schedules", [])}
    return {
        "entrypoint": (found.entrypoint, wanted["entrypoint"]),
        "version": (found.version, wanted["version"]),
        "description": (found.description, wanted["description"]),
        "tags": (sorted(found.tags), sorted(wanted["tags"])),
        "work pool": (found.work_pool_name, wanted["work_pool"]["name"]),
        "concurrency limit": (limit, wanted.get("concurrency_limit", {}).get("limit")),
        "schedules": (slugs & {schedule.slug for schedule in found.schedules}, slugs),
        "parameters": (_filled(found.parameter_openapi_schema or {}), _filled(schema)),
    }


def _filled(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if value}


def _prefect_deploy() -> None:
    command = [sys.executable, "-P", "-m", "prefect", "--no-prompt", "deploy", "--all"]
    env = environment_without_secrets(for_prefect=True)
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise ServerError(f"`prefect deploy --all` failed:\n{done.stdout}{done.stderr}")
