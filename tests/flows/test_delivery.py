"""A run ends with a report and, where it is wanted, with copies of its videos; end to end."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from dailies.mirror.record import CopyStatus, read_records
from tests.workplace import Workplace

pytestmark = pytest.mark.e2e


def copies(folder: Path) -> list[Path]:
    """Every whole video in a folder."""
    return sorted(folder.rglob("*.mp4"))


def test_a_run_copies_its_videos_and_links_its_report(workplace: Workplace) -> None:
    prompts = workplace.write_csv(6)
    ran = workplace.run("run", prompts, "--mirror-to", "videos")
    assert ran.returncode == 0, ran.stdout
    assert len(copies(workplace.path / "videos")) == 6
    report = workplace.path / "data/results/prompts.report.html"
    assert f"Report: {report.as_uri()}" in ran.stdout
    page = report.read_text("utf-8")
    assert page.count('href="../../videos/prompts/row-') == 6
    assert page.count("data:image/webp") == 6
    assert "they agree" not in page
    assert "none</td>" in page
    with httpx.Client(base_url=workplace.prefect_api_url, trust_env=False) as api:
        artifacts = api.post("/artifacts/filter", json={"artifacts": {"key": {"any_": ["report", "mirror"]}}}).json()
    texts = " ".join(str(artifact["data"]) for artifact in artifacts)
    assert report.as_uri() in texts
    assert "6 videos copied" in texts


def test_a_flow_whose_mirror_cannot_be_used_buys_nothing(workplace: Workplace) -> None:
    prompts = workplace.write_csv(1)
    code = "import asyncio, sys; from flows.generate import generate as run; asyncio.run(run(sys.argv[1], 9, mirror_to='ftp://x'))"
    ran = subprocess.run(
        [sys.executable, "-c", code, prompts],
        cwd=workplace.path,
        env=workplace.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "MirrorError: ftp://x" in ran.stderr
    assert workplace.sandbox.jobs() == []


def test_the_same_again_copies_nothing_and_what_is_gone_comes_back(workplace: Workplace) -> None:
    prompts = workplace.write_csv(3)
    assert workplace.run("run", prompts).returncode == 0
    assert copies(workplace.path / "videos") == []
    mirrored = workplace.run("mirror", "--to", "videos")
    assert mirrored.returncode == 0, mirrored.stdout
    assert "3 videos copied" in mirrored.stdout
    first = copies(workplace.path / "videos")[0]
    first.unlink()
    again = workplace.run("run", prompts, "--mirror-to", "videos")
    assert again.returncode == 0, again.stdout
    assert first.exists()


@pytest.mark.slow
def test_the_sandboxs_own_bucket_needs_no_settings(workplace: Workplace) -> None:
    prompts = workplace.write_csv(3)
    storage = workplace.sandbox.storage
    keys = {"SUPABASE_URL": storage.url, "SUPABASE_SERVICE_KEY": storage.service_key}
    ran = workplace.run("run", prompts, "--mirror-to", "supabase://clips/night", **keys)
    assert ran.returncode == 0, ran.stdout
    assert storage.service_key not in ran.stdout
    mirrored = workplace.run("mirror", "--to", "supabase://clips/night", "--ledger", "--json", **keys)
    facts = json.loads(mirrored.stdout)
    assert (facts["finished"], facts["looked_at"], facts["uploads"]) == (3, 0, 0)
    assert {name.split("/")[1] for name in facts["books"]} == {"ledger", "mirror", "results"}
    assert {video.status for video in read_records(workplace.ledger.path)} == {CopyStatus.COPIED}


@pytest.mark.slow
def test_what_was_delivered_short_fails_the_mirror_but_not_the_purchase(workplace: Workplace) -> None:
    prompts = workplace.write_csv(3)
    assert workplace.run("run", prompts).returncode == 0
    clip = next((workplace.sandbox.data_dir / "clips").glob("*.mp4"))
    clip.write_bytes(clip.read_bytes()[:-800])
    mirrored = workplace.run("mirror", "--to", "videos")
    assert mirrored.returncode == 1, mirrored.stdout
    assert "but 5 s were paid" in mirrored.stdout
    assert "delivered short of what was paid" in mirrored.stdout
    assert workplace.charged_mxn() == workplace.sandbox.consumed_mxn()


def test_a_report_can_be_asked_for(workplace: Workplace) -> None:
    prompts = workplace.write_csv(2, **{"meta.client": "Óptica <b>"})
    assert workplace.run("run", prompts).returncode == 0
    wrote = workplace.run("report", "--source", prompts, "-o", "out/night.html")
    assert wrote.returncode == 0, wrote.stdout
    page = (workplace.path / "out/night.html").read_text("utf-8")
    assert "Óptica &lt;b&gt;" in page
    assert page.count('<li class="card"') == 2
    refused = workplace.run("report", "--month", "1999-01")
    assert refused.returncode == 2
    assert "the ledger has no rows of month 1999-01" in refused.stdout
