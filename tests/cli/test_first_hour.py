"""The command with real signals, real servers, proxies in the way: it ends in good order and says how to go on."""

import contextlib
import csv
import json
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from dailies.ledger.entry import EntryStatus
from tests.stubs import answering
from tests.workplace import DAILIES, Workplace, running_prefect, wait_until

pytestmark = pytest.mark.e2e


def _assert_all_bought_once(workplace: Workplace, rows: int) -> None:
    assert Counter(entry.status for entry in workplace.entries()) == {EntryStatus.COMPLETED: rows}
    assert workplace.charged_mxn() == workplace.sandbox.consumed_mxn()
    charged = [transaction.job_id for transaction in workplace.sandbox.transactions() if transaction.job_id]
    assert len(charged) == len(set(charged)) == rows


def test_ctrl_c_once_stops_in_good_order_and_says_how_to_go_on(workplace: Workplace) -> None:
    prompts = workplace.write_csv(40)
    options = ("--skip-bad-rows", "--max-cost-mxn", "500", "--limit", "40", "--retry-failed")
    with workplace.start("run", prompts, *options, DAILIES_SUBMIT_RATE_PER_S="10") as running:
        wait_until(lambda: workplace.sandbox.consumed_mxn() > 0 or running.poll() is not None)
        running.send_signal(signal.SIGINT)
        said, _ = running.communicate(timeout=120)
    assert running.returncode == 3, said
    assert "Stopping: no new jobs, nothing is lost." in said
    assert f"open. To continue: dailies run {prompts} {' '.join(options)}\n" in said
    assert said.splitlines()[-1] == "Stopped: interrupted."
    assert "Traceback" not in said
    assert "ERROR" not in said
    assert not any(workplace.ledger.journals.iterdir())  # folded
    assert len(workplace.sandbox.jobs()) < 40
    assert workplace.run("run", prompts).returncode == 0
    _assert_all_bought_once(workplace, 40)


def test_ctrl_c_in_a_pipe_stops_in_good_order_though_nobody_reads_any_more(workplace: Workplace) -> None:
    prompts = workplace.write_csv(40)
    with workplace.start("run", prompts, DAILIES_SUBMIT_RATE_PER_S="2", DAILIES_LOG_LEVEL="INFO") as running:
        wait_until(lambda: len(workplace.sandbox.jobs()) >= 2)
        assert running.stdout is not None
        running.stdout.close()
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=60) == 3
    assert 2 <= len(workplace.sandbox.jobs()) < 40
    assert not any(workplace.ledger.journals.iterdir())
    results = (workplace.path / "data/results/prompts.results.csv").read_text("utf-8")
    assert len(results.splitlines()) == 41


def test_ctrl_c_twice_leaves_at_once_and_loses_nothing(workplace: Workplace) -> None:
    prompts = workplace.write_csv(40)
    with workplace.start("run", prompts, DAILIES_SUBMIT_RATE_PER_S="10") as running:
        wait_until(lambda: len(workplace.sandbox.jobs()) >= 5 or running.poll() is not None)
        assert running.stdout is not None
        running.send_signal(signal.SIGINT)
        said = next(line for line in running.stdout if "Stopping" in line)
        with contextlib.suppress(ProcessLookupError):
            running.send_signal(signal.SIGINT)
        said += running.stdout.read()
        running.wait(timeout=60)
    assert running.returncode in (130, 3), said  # 3: it had stopped before the second one came
    assert "Traceback" not in said
    assert workplace.run("run", prompts).returncode == 0
    _assert_all_bought_once(workplace, 40)


def test_the_first_taste_makes_only_the_first_rows(workplace: Workplace) -> None:
    prompts = workplace.write_csv(10)
    tasted = workplace.run("run", prompts, "--limit", "3")
    assert tasted.returncode == 0, tasted.stdout
    assert "Beyond --limit 3: 7 rows." in tasted.stdout
    assert "3/3 · 3 done · 12.60 MXN" in tasted.stdout
    assert len(workplace.sandbox.jobs()) == 3
    results = (workplace.path / "data/results/prompts.results.csv").read_text("utf-8")
    assert [row["status"] for row in csv.DictReader(results.splitlines())] == ["completed"] * 3 + [""] * 7
    assert workplace.run("run", prompts).returncode == 0
    _assert_all_bought_once(workplace, 10)


def test_a_program_reads_json_on_standard_output_and_nothing_else(workplace: Workplace) -> None:
    command = [DAILIES, "run", workplace.write_csv(2), "--json"]
    ran = subprocess.run(command, cwd=workplace.path, env=workplace.env, capture_output=True, text=True, check=True)
    facts = json.loads(ran.stdout)
    assert (facts["verdict"], facts["completed"], facts["charged_mxn"]) == ("Completed", 2, "8.400000")
    assert "2/2 · 2 done" in ran.stderr


def test_proxies_of_the_environment_are_not_asked_for_this_computer(workplace: Workplace) -> None:
    nowhere = "http://127.0.0.1:9"
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"), nowhere)
    ran = workplace.run("run", workplace.write_csv(2), **proxies)
    assert ran.returncode == 0, ran.stdout
    assert workplace.run("doctor", **proxies).returncode == 0


def test_a_prefect_server_that_does_not_answer_refuses_the_run(workplace: Workplace) -> None:
    ran = workplace.run("run", workplace.write_csv(2), PREFECT_API_URL="http://127.0.0.1:9/api")
    assert ran.returncode == 2
    assert "No Prefect server answers at http://127.0.0.1:9/api (PREFECT_API_URL): start it, or unset" in ran.stdout
    assert workplace.sandbox.jobs() == []


def test_a_prefect_server_of_another_version_refuses_the_run(workplace: Workplace) -> None:
    with answering({"/api/health": (200, "true"), "/api/admin/version": (200, '"2.20.0"')}) as url:
        ran = workplace.run("run", workplace.write_csv(2), PREFECT_API_URL=f"{url}/api")
        said = json.loads(workplace.run("doctor", "--json", PREFECT_API_URL=f"{url}/api").stdout)
    assert ran.returncode == 2
    assert "is of version 2.20.0, but Dailies runs on 3." in ran.stdout
    assert workplace.sandbox.jobs() == []
    assert {"name": "prefect", "verdict": "bad"}.items() <= said[-1].items()


@pytest.fixture
def own_prefect(tmp_path: Path) -> Iterator[str]:
    home = tmp_path / "own-prefect"
    home.mkdir()
    with running_prefect(home) as url:
        yield url


@pytest.mark.slow
def test_a_prefect_server_that_dies_is_one_message_and_nothing_is_lost(workplace: Workplace, own_prefect: str) -> None:
    prompts = workplace.write_csv(40)
    port = own_prefect.removesuffix("/api").rpartition(":")[2]
    with workplace.start("run", prompts, PREFECT_API_URL=own_prefect, DAILIES_SUBMIT_RATE_PER_S="5") as running:
        wait_until(lambda: len(workplace.sandbox.jobs()) >= 5 or running.poll() is not None)
        found = subprocess.run(
            ["pgrep", "-f", f"server start .* --port {port}"], capture_output=True, text=True, check=True
        )
        for pid in found.stdout.split():
            os.kill(int(pid), signal.SIGKILL)
        said, _ = running.communicate(timeout=180)
    assert running.returncode == 3, said
    assert "stopped answering. What was submitted is in the journal; the same command continues" in said
    assert "Traceback" not in said
    assert workplace.run("run", prompts).returncode == 0
    _assert_all_bought_once(workplace, 40)
