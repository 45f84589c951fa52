"""Takes pictures of the Prefect UI for README and docs: a real run on the sandbox, in a headless Chromium.

``make screenshots`` writes them to ``docs/images``. It needs a ``chromium`` on the path.
"""

import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.settings import PREFECT_API_URL, temporary_settings

from dailies.gateway.testing import running_sandbox
from tests.flows.prefect_ui import PrefectServer, running_worker
from tests.workplace import ROOT, Workplace, running_prefect, wait_until

IMAGES = ROOT / "docs" / "images"
_MOST_BYTES = 300_000
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--virtual-time-budget=15000",
    "--run-all-compositor-stages-before-draw",
    "--force-prefers-reduced-motion",  # otherwise pages would be captured while they fade in
)


def photograph(url: str, name: str, images: Path, size: tuple[int, int] = (1280, 860)) -> None:
    """Capture one page as ``name``.png; three tries, because a page can still be loading."""
    path = images / f"{name}.png"
    with tempfile.TemporaryDirectory() as profile:
        window = f"--window-size={size[0]},{size[1]}"
        command = ["chromium", *_FLAGS, f"--user-data-dir={profile}", window, f"--screenshot={path}", url]
        subprocess.run(command, check=True, capture_output=True, timeout=180)
    assert path.stat().st_size <= _MOST_BYTES, f"{path} has {path.stat().st_size} bytes"


def take_them(folder: Path, images: Path) -> None:
    """Run the sample with a row that fails, and capture what an operator sees."""
    home = folder / "server"
    home.mkdir()
    with running_prefect(home) as api_url, running_sandbox(folder / "sandbox", speed=20.0) as sandbox:
        workplace = Workplace(folder, sandbox, api_url)
        asyncio.run(_make_block(api_url))
        deployed = workplace.run("deploy", DAILIES_ALARM_BLOCK="custom-webhook/alarms")
        assert deployed.returncode == 0, deployed.stdout
        sandbox.set_faults({"kind": "content_filter", "how": "job", "after": 8, "times": 1})
        prompts = folder / "nightly.csv"
        shutil.copy(ROOT / "data/prompts/sample.csv", prompts)
        api = httpx.Client(base_url=api_url, trust_env=False, timeout=30)
        with api, running_worker(workplace, DAILIES_BATCH_SIZE="12"):
            server, ui = PrefectServer(api), api_url.removesuffix("/api")
            run_id = server.start("generate/generate", csv=str(prompts), max_cost_mxn=1500)
            server.end_of(run_id)
            time.sleep(3)
            batch = server.runs("batch", "nightly.csv")[0]["id"]
            photograph(f"{ui}/runs/flow-run/{batch}", "batch", images)
            deployment = server.get("/deployments/name/generate/generate")["id"]
            photograph(f"{ui}/deployments/deployment/{deployment}/run", "run-form", images, (1280, 1280))
            summary = server.post("/artifacts/filter", {"artifacts": {"key": {"any_": ["summary"]}}})[0]["id"]
            photograph(f"{ui}/artifacts/artifact/{summary}", "summary", images)
            scheduled = _wait_for_schedule(server, str(workplace.write_csv(6)))
            photograph(f"{ui}/runs/flow-run/{scheduled}", "scheduled", images)


def _wait_for_schedule(server: PrefectServer, csv: str) -> str:
    """Switch `nightly` on, every minute; return the id of a run that it started, after its end."""
    server.switch_on("generate/generate", {"cron": "* * * * *"}, csv=csv, max_cost_mxn=50)
    wait_until(lambda: any(run["auto_scheduled"] for run in server.runs_of("generate/generate")))
    run_id = next(run["id"] for run in server.runs_of("generate/generate") if run["auto_scheduled"])
    server.end_of(run_id)
    time.sleep(3)
    return str(run_id)


async def _make_block(api_url: str) -> None:
    with temporary_settings({PREFECT_API_URL: api_url}):
        block = CustomWebhookNotificationBlock(name="alarms", url="http://127.0.0.1:9/")
        await block.asave("alarms")


if __name__ == "__main__":
    if shutil.which("chromium") is None:
        sys.exit("There is no chromium: on Debian and Ubuntu, apt install chromium")
    images = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    images.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        take_them(Path(scratch), images)
