"""The blocks: kept on the server, printed masked, used by flows and by people."""

import re
import subprocess
import sys

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import SecretStr

from dailies.errors import JobPending, SettingsError
from dailies.gateway.testing import RunningSandbox
from dailies.ledger.entry import EntryStatus
from tasks.blocks import GeekHubCredentials, GeekHubVideo
from tasks.credentials import load_run_settings
from tests.factories import TEST_KEY
from tests.workplace import ROOT, Workplace


def credentials(sandbox: RunningSandbox) -> GeekHubCredentials:
    return GeekHubCredentials(api_key=SecretStr(sandbox.api_key), base_url=sandbox.base_url)


def test_the_key_is_never_printed() -> None:
    assert TEST_KEY not in repr(GeekHubCredentials(api_key=SecretStr(TEST_KEY)))


async def test_the_client_is_one_of_that_account(sandbox: RunningSandbox) -> None:
    async with credentials(sandbox).get_client() as client:
        assert await client.read_balance() == sandbox.balance_mxn()


async def test_one_video_is_ordered_awaited_and_fetched(sandbox: RunningSandbox) -> None:
    video = GeekHubVideo(credentials=credentials(sandbox), prompt="a lighthouse", time_scale=sandbox.time_scale)
    run = await video.trigger()
    with pytest.raises(JobPending):
        await run.fetch_result()
    await run.wait_for_completion()
    assert (await run.fetch_result()).video_url
    assert [job.id for job in sandbox.jobs()] == [run.job_id]


@pytest.mark.e2e
async def test_a_block_is_saved_loaded_and_gives_a_flow_its_key(sandbox: RunningSandbox, prefect_api_url: str) -> None:
    with temporary_settings({PREFECT_API_URL: prefect_api_url}):
        await credentials(sandbox).asave("cinema", overwrite=True)
        settings = await load_run_settings(credentials_block="cinema")
        assert settings.require_key().get_secret_value() == sandbox.api_key
        assert settings.geekhub_base_url == sandbox.base_url
        with pytest.raises(SettingsError, match="no-such-block"):
            await load_run_settings(credentials_block="no-such-block")


@pytest.mark.e2e
def test_a_run_with_a_block_and_no_key_in_the_environment(workplace: Workplace) -> None:
    named = {"DAILIES_CREDENTIALS_BLOCK": "night"}
    assert workplace.run("deploy", "--open-server", **named).returncode == 0
    prompts = workplace.write_csv(2)
    code = f"import asyncio; from flows.generate import generate; asyncio.run(generate({str(prompts)!r}, 20))"
    env = {**workplace.env, **named, "GEEKHUB_API_KEY": ""}
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert [entry.status for entry in workplace.entries()] == [EntryStatus.COMPLETED] * 2


@pytest.mark.e2e
def test_the_example_of_the_docs_runs(workplace: Workplace) -> None:
    page = (ROOT / "docs/operations.md").read_text("utf-8")
    (example,) = [code for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "GeekHubVideo" in code]
    ran = subprocess.run(
        [sys.executable, "-c", example], cwd=ROOT, env=workplace.env, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "/video.mp4" in ran.stdout
    assert len(workplace.sandbox.jobs()) == 1
