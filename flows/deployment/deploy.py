"""Deploying: what the deployments need on a Prefect server is made where it is missing, then they are deployed.

Each part says what differs from what it should be, and makes it so unless it is only to look.
"""

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
from dailies.settings import Settings
from flows.deployment.automations import automations
from flows.deployment.pools import make_pool
from flows.deployment.schedules import restore_schedules
from flows.home import ROOT
from tasks.blocks import GeekHubCredentials, GeekHubVideo
from tasks.submit_rate import SUBMITS, ensure_limit

PROJECT = ROOT / "prefect.yaml"


async def deploy(settings: Settings, *, pool_type: str = "process", only_look: bool = False) -> AsyncIterator[str]:
    """Bring the server up to what ``prefect.yaml`` and the settings say; says each difference that it finds.

    Args:
        settings: which blocks, and the submit rate.
        pool_type: of a work pool that has to be made: process, docker, kubernetes, ...
        only_look: change nothing.

    Raises:
        SettingsError: there is no ``prefect.yaml``, or a block that the settings name does not exist.
        ServerError: Prefect did not accept a deployment; what it said is in the message.
    """
    if not PROJECT.exists():
        raise SettingsError("There is no prefect.yaml: deploy from a clone of the project, where it lies.")
    wanted = yaml.safe_load(PROJECT.read_text("utf-8"))["deployments"]
    async with get_client() as client:
        for part in (
            _pools(client, wanted, pool_type, only_look),
            _limits(client, settings, only_look),
            _blocks(client, settings, only_look),
            _automations(client, settings, only_look),
            _deployments(client, wanted, only_look),
        ):
            async for difference in part:
                yield difference


async def _pools(
    client: PrefectClient, wanted: list[dict[str, Any]], pool_type: str, only_look: bool
) -> AsyncIterator[str]:
    for name in sorted({deployment["work_pool"]["name"] for deployment in wanted}):
        try:
            await client.read_work_pool(name)
        except ObjectNotFound:
            yield f"work pool {name!r} ({pool_type}) is missing"
            if not only_look:
                await make_pool(client, name, pool_type)


async def _limits(client: PrefectClient, settings: Settings, only_look: bool) -> AsyncIterator[str]:
    try:
        await client.read_global_concurrency_limit_by_name(SUBMITS)
    except ObjectNotFound:
        yield f"global concurrency limit {SUBMITS!r} is missing"
        if not only_look:
            await ensure_limit(settings.submit_rate_per_s)


async def _blocks(client: PrefectClient, settings: Settings, only_look: bool) -> AsyncIterator[str]:
    for kind in (GeekHubCredentials, GeekHubVideo):
        if not await _is_registered(client, kind):
            yield f"block type {kind.get_block_type_slug()!r} is missing, or older than this code"
            if not only_look:
                await kind.aregister_type_and_schema(client=client)
    name = settings.credentials_block
    if name is None or await _block(client, f"{GeekHubCredentials.get_block_type_slug()}/{name}") is not None:
        return
    if settings.geekhub_api_key is None:
        raise SettingsError(
            f"DAILIES_CREDENTIALS_BLOCK names a block {name!r} that does not exist: set GEEKHUB_API_KEY for this one"
            " command, which then makes the block, or make it in the UI under Blocks."
        )
    yield f"credentials block {name!r} is missing"
    if not only_look:
        made = GeekHubCredentials(api_key=settings.geekhub_api_key, base_url=settings.geekhub_base_url)
        await made.asave(name, client=client)


async def _is_registered(client: PrefectClient, kind: type[Block]) -> bool:
    try:
        await client.read_block_type_by_slug(kind.get_block_type_slug())
        await client.read_block_schema_by_checksum(kind._calculate_schema_checksum())  # noqa: SLF001 - it has no other name
    except ObjectNotFound:
        return False
    return True


async def _block(client: PrefectClient, slug_and_name: str) -> UUID | None:
    slug, _, name = slug_and_name.partition("/")
    try:
        return (await client.read_block_document_by_name(name, slug, include_secrets=False)).id
    except ObjectNotFound:
        return None


async def _automations(client: PrefectClient, settings: Settings, only_look: bool) -> AsyncIterator[str]:
    tell = None
    if settings.alarm_block is not None:
        tell = await _block(client, settings.alarm_block)
        if tell is None:
            raise SettingsError(
                f"DAILIES_ALARM_BLOCK names a block {settings.alarm_block!r} that does not exist: make it in the UI"
                " under Blocks; the form is type/name, such as slack-webhook/alarms."
            )
    for wanted in automations(tell):
        found = next(iter(await client.read_automations_by_name(wanted.name)), None)
        if found is None:
            yield f"automation {wanted.name!r} is missing"
            if not only_look:
                await client.create_automation(wanted)
        elif _substance(found) != _substance(wanted):
            yield f"automation {wanted.name!r} differs"
            if not only_look:  # whether it is switched on is the operator's choice
                await client.update_automation(found.id, wanted.model_copy(update={"enabled": found.enabled}))


def _substance(automation: AutomationCore) -> dict[str, Any]:
    told = automation.model_dump(mode="json", include={"description", "trigger", "actions"})
    sets = ("after", "expect", "for_each")
    return {**told, "trigger": told["trigger"] | {name: sorted(told["trigger"][name]) for name in sets}}


async def _deployments(client: PrefectClient, wanted: list[dict[str, Any]], only_look: bool) -> AsyncIterator[str]:
    before: list[DeploymentResponse] = []
    differs = False
    for deployment in wanted:
        flow: Any = load_flow_from_entrypoint(deployment["entrypoint"])
        name = f"{flow.name}/{deployment['name']}"
        try:
            found = await client.read_deployment_by_name(name)
        except ObjectNotFound:
            differs = True
            yield f"deployment {name!r} is missing"
            continue
        before.append(found)
        for field, (is_now, should_be) in _fields(found, deployment, parameter_schema(flow).model_dump()).items():
            if is_now != should_be:
                differs = True
                yield f"deployment {name!r} differs in its {field}"
    if differs and not only_look:
        _prefect_deploy()
        for found in before:
            await restore_schedules(client, found)


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
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise ServerError(f"`prefect deploy --all` was not accepted:\n{done.stdout}{done.stderr}")
