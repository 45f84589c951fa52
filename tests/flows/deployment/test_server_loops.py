"""What happens by itself: schedules fire, late runs are marked, places of dead runs become free, cancels end.

Each needs a loop of the Prefect server, and a dead loop is silent. One server for all, as ``dailies server start``
starts it; its schedules fire every minute while the other tests run.
"""

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from dailies.gateway.testing import running_sandbox
from dailies.ledger.entry import EntryStatus
from tests import logs
from tests.flows.prefect_ui import PrefectServer, running_serve, running_worker
from tests.own_server import OwnServer, running_own_server
from tests.workplace import Workplace, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

EVERY_MINUTE = {"cron": "* * * * *"}
BETWEEN = {"interval": 60, "anchor_date": "2026-01-01T00:00:30Z"}
"""Every minute, too, but when ``generate`` is at rest, so that ledger and account can be compared."""

SOON = {"PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_CANCELLING_TIMEOUT_SECONDS": "15"}
LIMIT_S = 400.0
WAYS = {"worker": "generate/generate", "serve": "generate/generate-served"}


@dataclass(frozen=True)
class Site:
    """A Prefect server, and a workplace for each way to run what is scheduled there.

    ``waiting`` is a run of ``mirror`` that waits for its only place, which a dead run holds.
    """

    own: OwnServer
    server: PrefectServer
    places: dict[str, Workplace]
    other: Workplace
    waiting: str

    def ended(self, deployment: str) -> list[dict[str, Any]]:
        """The runs of a deployment that are over, oldest first."""
        return [run for run in self.server.runs_of(deployment) if run["state"]["type"] not in _UNENDED]


_UNENDED = ("SCHEDULED", "PENDING", "RUNNING", "CANCELLING")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Server, worker and ``dailies serve``, as docs/operations.md has them; all schedules are on, every minute."""
    folder = tmp_path_factory.mktemp("site")
    with ExitStack() as stack:

        def open_workplace(name: str, *server: str) -> Workplace:
            path = folder / name
            path.mkdir()
            return Workplace(path, stack.enter_context(running_sandbox(path / "sandbox")), *(server or [""]))

        own = stack.enter_context(running_own_server(open_workplace("server"), folder / "prefect", **SOON))
        worker, serve = (open_workplace(name, own.url, own.password) for name in WAYS)
        stack.enter_context(running_serve(serve))
        deployed = worker.run("deploy")
        assert deployed.returncode == 0, deployed.stdout
        stack.enter_context(running_worker(worker))
        for log in (worker.path / "worker.log", serve.path / "serve.log"):
            logs.watch(log)
        server = PrefectServer(stack.enter_context(own.client()))
        wait_until(lambda: server.exists(f"/deployments/name/{WAYS['serve']}"))
        for place, deployment in ((worker, WAYS["worker"]), (serve, WAYS["serve"])):
            server.switch_on(deployment, EVERY_MINUTE, csv=str(place.write_csv(3)), max_cost_mxn=50)
        server.switch_on("settle/settle", BETWEEN)
        waiting = wait_for_a_place(server, worker)
        other = open_workplace("other", own.url, own.password)
        yield Site(own, server, {"worker": worker, "serve": serve}, other, waiting)


def wait_for_a_place(server: PrefectServer, place: Workplace) -> str:
    """Take the only place of ``mirror``, as a run does that is killed then, and start another run; its id."""
    limit = server.get("/deployments/name/mirror/mirror")["global_concurrency_limit"]["name"]
    holds = {"names": [limit], "slots": 1, "lease_duration": 60}
    server.post("/v2/concurrency_limits/increment-with-lease", holds)
    return server.start("mirror/mirror", to=str(place.path / "mine"))


def test_a_run_that_no_worker_takes_is_late_and_goes_on_when_one_comes(site: Site) -> None:
    settle = site.server.get("/deployments/name/settle/settle")
    site.server.post("/work_pools/", {"name": "idle", "type": "process"})
    copied = {name: settle[name] for name in ("flow_id", "entrypoint", "pull_steps")}
    site.server.post("/deployments/", {"name": "idle", "work_pool_name": "idle", **copied})
    late = site.server.start("settle/idle")
    wait_until(lambda: site.server.run(late)["state"]["name"] == "Late")
    with running_worker(site.other, "idle"):
        assert site.server.end_of(late) == ("COMPLETED", "Completed")


@pytest.mark.parametrize("way", WAYS)
def test_a_schedule_fires_and_a_second_time_buys_nothing(site: Site, way: str) -> None:
    deployment = WAYS[way]
    wait_until(lambda: len(site.ended(deployment)) >= 2, limit_s=LIMIT_S)
    first, second = site.ended(deployment)[:2]
    assert (first["state"]["name"], first["auto_scheduled"]) == ("Completed", True), first["state"]
    assert site.server.states_of(first["id"])[0] == "Scheduled"
    assert first["name"].startswith("prompts.csv · 3 rows")
    assert (second["state"]["name"], second["auto_scheduled"]) == ("Nothing to do", True), second["state"]
    assert_bought_once(site.places[way], 3)


def assert_bought_once(place: Workplace, rows: int) -> None:
    assert Counter(entry.status for entry in place.entries()) == {EntryStatus.COMPLETED: rows}
    assert len(place.sandbox.jobs()) == rows
    assert place.charged_mxn() == place.sandbox.consumed_mxn() > 0


@pytest.fixture(scope="module")
def new_rows(site: Site) -> None:
    """Two more rows in each CSV, when its first three are bought; the schedules go on meanwhile."""
    for way, place in site.places.items():
        wait_until(lambda way=way: len(site.ended(WAYS[way])) >= 2, limit_s=LIMIT_S)
        place.write_csv(5)


def test_a_cancel_that_no_process_hears_ends_the_run_and_its_batch(site: Site, new_rows: None) -> None:
    place = site.other
    prompts = place.write_csv(40, name="unheard.csv")
    with place.start("run", prompts, DAILIES_SUBMIT_RATE_PER_S="1") as running:
        wait_until(lambda: len(place.sandbox.jobs()) >= 2)
        running.send_signal(signal.SIGKILL)
    run, batch = (site.server.runs(flow, "unheard.csv")[-1]["id"] for flow in ("generate", "batch"))
    site.server.click_cancel(run)
    assert site.server.end_of(run) == ("CANCELLED", "Cancelled")
    assert site.server.end_of(batch) == ("CANCELLED", "Cancelled")
    wait_until(lambda: not unended_tasks(site.server, run, batch))


def unended_tasks(server: PrefectServer, *runs: str) -> list[Any]:
    of_runs = {"flow_runs": {"id": {"any_": list(runs)}}, "task_runs": {"state": {"type": {"any_": list(_UNENDED)}}}}
    found: list[Any] = server.post("/task_runs/filter", of_runs)
    return found


@pytest.mark.parametrize("way", WAYS)
def test_a_schedule_buys_only_the_new_rows_of_a_changed_csv(site: Site, new_rows: None, way: str) -> None:
    place, deployment = site.places[way], WAYS[way]
    wait_until(lambda: len(place.sandbox.jobs()) > 3, limit_s=LIMIT_S)
    wait_until(lambda: completed(site.ended(deployment)) >= 2, limit_s=LIMIT_S)
    assert_bought_once(place, 5)


def completed(runs: list[dict[str, Any]]) -> int:
    return sum(run["state"]["name"] == "Completed" for run in runs)


def test_settle_fires_by_its_own_schedule(site: Site) -> None:
    wait_until(lambda: [run for run in site.ended("settle/settle") if they_agree(run)], limit_s=LIMIT_S)
    assert all(run["auto_scheduled"] for run in site.ended("settle/settle"))


def they_agree(run: dict[str, Any]) -> bool:
    return run["state"]["type"] == "COMPLETED" and "they agree" in run["state"]["message"]


def test_the_place_of_a_dead_run_is_free_when_its_lease_ends(site: Site) -> None:
    assert site.server.end_of(site.waiting, limit_s=LIMIT_S)[0] == "COMPLETED"
    assert "AwaitingConcurrencySlot" in site.server.states_of(site.waiting)


def test_the_events_of_a_run_are_kept(site: Site) -> None:
    run = site.ended(WAYS["worker"])[0]["id"]
    resource = {"id": [f"prefect.flow-run.{run}"]}
    wait_until(lambda: "prefect.flow-run.Completed" in events_of(site.server, resource))


def events_of(server: PrefectServer, resource: dict[str, Any]) -> set[str]:
    found = server.post("/events/filter", {"filter": {"resource": resource}})
    return {event["event"] for event in found["events"]}


def test_the_password_of_the_server_is_in_no_log_and_no_run(site: Site) -> None:
    for deployment in WAYS.values():
        wait_until(lambda deployment=deployment: completed(site.ended(deployment)) >= 1, limit_s=LIMIT_S)
    secret = site.own.password.partition(":")[2]
    logs_of_processes = [site.own.home / "dailies-server.log"]
    logs_of_processes += [place.path / f"{way}.log" for way, place in site.places.items()]
    for log in logs_of_processes:
        assert secret not in log.read_text("utf-8"), log
    for kept in ("flow_runs", "logs", "artifacts", "deployments", "work_pools", "task_runs"):
        found = site.server.post(f"/{kept}/filter", {})
        assert found, kept
        assert secret not in str(found), kept
