"""Where fault scripts come from: a file at the start, the route while it runs; mistakes are named."""

import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from dailies.gateway import SandboxError
from dailies.gateway.faults.script import AnyFault, FaultScript, read_script
from dailies.gateway.testing import RunningSandbox, running_sandbox
from tests.gateway.sandbox_client import client_of

BODY = {"model": "fal/kling-2", "prompt": "a fox"}


def test_file_is_played_from_the_start(tmp_path: Path):
    script = tmp_path / "faults.toml"
    script.write_text('seed = 7\n[[fault]]\nkind = "server_error"\nstatus = 503\ntimes = 1\n')
    with running_sandbox(tmp_path / "sandbox", faults=script) as running, client_of(running) as client:
        assert client.post("/videos/generations", json=BODY).status_code == 503
        assert client.post("/videos/generations", json=BODY).status_code == 200


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[[fault]]\nkind = 'no_such'", "fault.0"),
        ("[[fault]]\nkind = 'slow'", "fault.0.slow.seconds"),
        ("[[fault]]\nkind = 'slow'\nseconds = -1", "seconds"),
        ("[[fault]]\nkind = 'fail_job'\npattern = '('", "regular expression"),
        ("[[fault]]\nkind = 'stuck_job'\nrate = 0.5\nevery = 2", "not both"),
        ("[[fault]]\nkind = 'stuck_job'\nrates = 0.5", "rates"),
        ("speed = 1", "speed"),
        ("[[fault", "Expected"),
    ],
)
def test_mistake_in_a_script_is_named(tmp_path: Path, text, place):
    script = tmp_path / "faults.toml"
    script.write_text(text)
    with pytest.raises(SandboxError, match=re.escape(place)):
        read_script(script)


def test_missing_script_refuses_the_start(tmp_path: Path):
    with (
        pytest.raises(SandboxError, match=r"nowhere\.toml"),
        running_sandbox(tmp_path / "sandbox", faults=tmp_path / "nowhere.toml"),
    ):
        pass


def test_script_is_replaced_read_and_ended_over_http(api, sandbox: RunningSandbox):
    url = f"{sandbox.root_url}/sandbox/faults"
    assert api.get(url).json() == {"seed": 0, "fault": []}
    script = {"seed": 3, "fault": [{"kind": "server_error", "every": 2}]}
    assert api.post(url, json=script).status_code == 200
    assert [api.post("/videos/generations", json=BODY).status_code for _ in range(2)] == [200, 500]
    assert api.get(url).json() == {"seed": 3, "fault": [{"kind": "server_error", "every": 2, "fired": 1}]}
    assert api.delete(url).json() == {"seed": 0, "fault": []}
    assert api.post("/videos/generations", json=BODY).status_code == 200


def test_mistaken_script_is_refused_and_the_old_one_goes_on(api, sandbox: RunningSandbox):
    sandbox.set_faults({"kind": "stuck_job"})
    answer = api.post(f"{sandbox.root_url}/sandbox/faults", json={"fault": [{"kind": "slow"}]})
    assert answer.status_code == 400
    assert sandbox.faults() == [{"kind": "stuck_job", "fired": 0}]


DOCUMENTED = re.findall(
    r"```toml\n(.*?)```", (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text("utf-8"), re.DOTALL
)


@pytest.mark.parametrize("text", DOCUMENTED)
def test_documented_examples_are_valid(text):
    assert FaultScript.model_validate(tomllib.loads(text)).fault


def test_every_kind_is_documented_with_an_example():
    shown = {fault.kind for text in DOCUMENTED for fault in FaultScript.model_validate(tomllib.loads(text)).fault}
    union, _ = get_args(AnyFault)
    assert shown == {get_args(kind.model_fields["kind"].annotation)[0] for kind in get_args(union)}
