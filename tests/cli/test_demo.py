"""`make demo`: what a newcomer gets."""

import io
from decimal import Decimal
from pathlib import Path

import av
import httpx
import pytest

from dailies.gateway.hosting.process import stop_sandbox
from dailies.ledger.entry import LedgerEntry
from dailies.ledger.folder import LedgerFolder
from tests.workplace import ROOT, Workplace

pytestmark = pytest.mark.e2e


def _run_demo(workplace: Workplace) -> str:
    ran = workplace.run("demo", GEEKHUB_API_KEY="")
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def test_the_demo_makes_every_video_as_ordered_and_a_second_one_buys_nothing(workplace: Workplace) -> None:
    sandbox = workplace.path / "data" / "sandbox"
    try:
        first = _run_demo(workplace)
        entries = _entries(workplace.path)
        for entry in entries:
            _assert_as_ordered(entry)
        again = _run_demo(workplace)
    finally:
        stopped = stop_sandbox(sandbox)
    assert stopped, "the demo leaves its sandbox running on purpose"
    charged = sum((entry.charged_mxn or Decimal(0) for entry in entries), Decimal(0))
    rows = (ROOT / "data/prompts/sample.csv").read_text("utf-8")
    assert len(entries) == 24
    assert all((entry.prompt_id or "") in rows for entry in entries)
    for said in (first, again):
        assert f"Ledger: {charged} MXN" in said
        assert "They agree." in said
        assert f"dailies sandbox stop --data-dir {sandbox})" in said
    assert "24 videos" in again
    assert "not bought again" in again
    assert _entries(workplace.path) == entries


def _entries(path: Path) -> list[LedgerEntry]:
    return LedgerFolder.open(path / "data" / "ledger" / "sandbox", "sandbox").entries()


def _assert_as_ordered(entry: LedgerEntry) -> None:
    """Duration to the frame, the exact ratio, a sound track of the same length where the model has one."""
    content = httpx.get(str(entry.video_url), trust_env=False).raise_for_status().content
    width, height = map(int, str(entry.aspect_ratio).split(":"))
    with av.open(io.BytesIO(content)) as film:
        (picture,) = film.streams.video
        assert picture.duration is not None
        assert picture.time_base is not None
        assert picture.duration * picture.time_base == entry.duration_s
        assert picture.width * height == picture.height * width
        assert bool(film.streams.audio) == entry.audio
        frames = sum(1 for _ in film.decode(picture))
        assert picture.average_rate is not None
        assert frames == picture.average_rate * (entry.duration_s or 0)
