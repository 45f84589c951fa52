"""A credentials block belongs to deployments: the command spends by its own key, or not at all."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import SecretStr

from dailies.gateway.hosting.process import stop_sandbox
from tasks.blocks import GeekHubCredentials
from tests.commandline import dailies
from tests.factories import LIVE_KEY
from tests.stubs import answering
from tests.workplace import Workplace

MODELS = json.dumps({"object": "list", "data": [{"id": "fal/kling-2"}]})


@dataclass(frozen=True)
class Live:
    """A stand-in for the live service, whose key is in the block ``liveblock``, and what it heard."""

    base_url: str
    heard: list[str] = field(default_factory=list)


@pytest.fixture
async def live(prefect_api_url: str) -> AsyncIterator[Live]:
    heard: list[str] = []
    with (
        answering({"/v1/models": (200, MODELS)}, heard=heard) as url,
        temporary_settings({PREFECT_API_URL: prefect_api_url}),
    ):
        block = GeekHubCredentials(api_key=SecretStr(LIVE_KEY), base_url=f"{url}/v1")
        await block.asave("liveblock", overwrite=True)
        yield Live(f"{url}/v1", heard)


NO_KEY = {"GEEKHUB_API_KEY": "", "DAILIES_CREDENTIALS_BLOCK": "liveblock"}


@pytest.mark.parametrize("verb", ["run", "plan", "results", "settle", "status", "doctor", "mirror", "report"])
def test_a_key_in_a_block_is_not_the_sandbox(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "prompts.csv").write_text("prompt\na lighthouse\n", "utf-8")
    for name, value in NO_KEY.items():
        monkeypatch.setenv(name, value)
    said = dailies(capsys, verb, *(["prompts.csv"] if verb in ("run", "plan", "results") else []))
    assert said.code == 2
    assert "'liveblock'" in said.err
    assert "set GEEKHUB_API_KEY for the command line, or unset DAILIES_CREDENTIALS_BLOCK" in said.err
    assert "no money" not in said.out
    assert not (tmp_path / "data" / "sandbox").exists()


@pytest.mark.e2e
def test_a_run_without_a_key_of_its_own_orders_nothing_by_the_key_of_the_block(
    workplace: Workplace, live: Live
) -> None:
    ran = workplace.run("run", workplace.write_csv(1), **NO_KEY)
    assert live.heard == []
    assert ran.returncode == 2, ran.stdout
    assert LIVE_KEY not in ran.stdout


@pytest.mark.e2e
@pytest.mark.slow
def test_the_key_of_the_command_goes_before_the_block(workplace: Workplace, live: Live) -> None:
    ran = workplace.run("run", workplace.write_csv(1), DAILIES_CREDENTIALS_BLOCK="liveblock")
    assert ran.returncode == 0, ran.stdout
    assert live.heard == []
    assert workplace.charged_mxn() == workplace.sandbox.consumed_mxn() > 0


@pytest.mark.e2e
@pytest.mark.slow
def test_a_demo_spends_nothing_and_copies_nowhere_whatever_is_set(workplace: Workplace, live: Live) -> None:
    mine = workplace.path / "mine"
    try:
        ran = workplace.run("demo", **NO_KEY, DAILIES_MIRROR_TO=str(mine))
    finally:
        stop_sandbox(workplace.path / "data" / "sandbox")
    assert live.heard == []
    assert ran.returncode == 0, ran.stdout
    assert "They agree." in ran.stdout
    assert not mine.exists()
