"""Measures a big report: size, seconds to write, seconds to first paint; ``python -m tools.measure_report [ROWS]``.

With ``--images FOLDER`` it also takes the documentation's pictures of it, in both themes.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from PIL import Image

from dailies.catalogue import load_catalogue
from dailies.gateway.video.encode import render_scene
from dailies.gateway.video.scene import Scene
from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.pricing import Tariff
from dailies.prompts.reader import read_prompts
from dailies.report.html.write import write_report
from dailies.settings import Settings, load_settings
from tests.factories import NOW, completed, make_entry, make_folder
from tests.mirror.film import FilmServer, film_server
from tests.report.browser import Page, chromium
from tests.workplace import ROOT

CLIENTS = ("Panadería Lucero", "Óptica Sol", "Hotel Malecón", "Café del Puerto")
CAMPAIGNS = ("first-light", "autumn", "día de muertos")
FILMS = 48


def rows(films: FilmServer, count: int, folder: Path) -> Iterator[LedgerEntry]:
    """Make rows with the sample's prompts: a few failed, a few are still rendering."""
    prompts = read_prompts(str(ROOT / "data/prompts/sample.csv")).rows
    tariff, chance = load_settings(fx="*=20").tariff, random.Random(7)
    for number in range(count):
        row = prompts[number % len(prompts)]
        entry = make_entry(
            f"{row.prompt}, version {number + 1}",
            source="autumn.csv",
            source_line=number + 2,
            prompt_id=f"{row.prompt_id}-{number:04}",
            model=row.model,
            duration_s=row.duration_s,
            aspect_ratio=row.aspect_ratio,
            metadata={"campaign": CAMPAIGNS[number % 3], "client": CLIENTS[number // 3 % 4]},
        )
        if number % 31 == 9:
            why = ("fal status: ERROR", "the content filter refused the prompt")[number % 2]
            yield replace(entry, status=EntryStatus.FAILED, error=why, error_code="job_failed", polls=2)
        elif number % 97 == 40:
            yield replace(entry, status=EntryStatus.PROCESSING, job_id=f"job-{number}", polls=4)
        else:
            yield _finished(entry, films, folder, number, tariff, chance)


def _finished(
    entry: LedgerEntry, films: FilmServer, folder: Path, number: int, tariff: Tariff, chance: random.Random
) -> LedgerEntry:
    model = load_catalogue()[entry.model or ""]
    seconds, ratio = entry.duration_s or 5, entry.aspect_ratio or "16:9"
    path = folder / f"{number % FILMS}-{model.name}-{ratio.replace(':', 'x')}-{seconds}.mp4"
    if not path.exists():
        render_scene(Scene(entry.prompt or "", model.id, seconds, ratio, model.audio, False), path)
    done_at = NOW + timedelta(hours=chance.randrange(240))
    charge = tariff.charge(model.usd_per_second, seconds, tariff.markup, done_at)
    assert charge is not None, "the tariff has one rate for every month"
    low, high = model.typical_render_s
    waited_s = chance.lognormvariate(0, 0.25) * (low * high) ** 0.5
    return completed(
        entry,
        job_id=f"job-{number}",
        video_url=films.add(f"/generated-videos/org/{number}/video.mp4", path.read_bytes()),
        charged_mxn=charge.mxn,
        charged_usd=charge.usd,
        completed_at=done_at,
        waited_s=waited_s,
        not_done_at_s=max(0.0, waited_s - chance.random() * model.poll_interval_s),
        polls=chance.choice((1, 1, 2, 2, 2, 3, 4)),
    )


def make_report(entries: list[LedgerEntry]) -> Path:
    """Write the report twice, without and with its cache of pictures; print the seconds."""
    folder = make_folder(Path("data/ledger/sandbox"), "sandbox")
    folder.put(entries)
    settings: Settings = load_settings()
    wanted = {"command": "dailies report --source autumn.csv", "path": Path("autumn.report.html")}
    about = {"title": "autumn.csv", "scope": "source autumn.csv", "thumbnails": len(entries)}
    for cache in ("no picture in the cache", "all pictures in the cache"):
        began = time.monotonic()
        path = asyncio.run(write_report(folder, entries, settings, **wanted, **about))
        said = f"{len(entries)} rows, {cache}: {time.monotonic() - began:.2f} s, {path.stat().st_size / 1e6:.2f} MB\n"
        sys.stdout.write(said)
    return path.resolve()


def measure_paint(page: Page, report: Path) -> None:
    """Open the report three times; print the seconds to first paint and of a search."""
    for _ in range(3):
        page.open("about:blank")
        page.open(report.as_uri())
        page.wait_for("performance.getEntriesByName('first-contentful-paint').length === 1")
        painted = page.run("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        loaded = page.run("performance.getEntriesByType('navigation')[0].loadEventEnd")
        search = page.run(
            "(() => { const box = document.getElementById('search'); const began = performance.now();"
            " box.value = 'otoño pan'; box.dispatchEvent(new Event('input'));"
            " return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() =>"
            " done(performance.now() - began)))); })()"
        )
        sys.stdout.write(f"first paint {painted / 1000:.2f} s, loaded {loaded / 1000:.2f} s, search {search:.0f} ms\n")
    left = [url for url in page.requests if not url.startswith(("file:", "about:"))]
    sys.stdout.write(f"requests that left: {len(left)}; complaints of the console: {len(page.complaints)}\n")


def take_pictures(page: Page, report: Path, folder: Path) -> None:
    """Take the documentation's pictures: the gallery in both themes, and the charts."""
    folder.mkdir(parents=True, exist_ok=True)
    page.open(report.as_uri())
    for scheme in ("light", "dark"):
        page.prefer(scheme)
        page.run("scrollTo(0, 0)")
        _take(page, folder / f"report-{scheme}.png", 1060)
    page.prefer("light")
    page.run("document.querySelector('html').style.scrollBehavior = 'auto'")
    page.run("document.getElementById('cost').scrollIntoView()")
    _take(page, folder / "report-cost.png", 1060)


def _take(page: Page, path: Path, height: int) -> None:
    page.picture(path, 1280, height)
    page.run("new Promise(done => setTimeout(done, 500))")  # the browser decodes lazy pictures when they become visible
    page.picture(path, 1280, height)
    Image.open(path).quantize(256, kmeans=2).save(path, optimize=True)


def main() -> None:
    """Write, measure, and take pictures if a folder for them is given."""
    parser = argparse.ArgumentParser("python -m tools.measure_report")
    parser.add_argument("rows", type=int, nargs="?", default=1000)
    parser.add_argument("--images", type=Path)
    chosen = parser.parse_args()
    images = chosen.images and chosen.images.resolve()
    with tempfile.TemporaryDirectory() as place, film_server() as films, contextlib.chdir(place):
        clips = Path(place) / "clips"
        clips.mkdir()
        report = make_report(list(rows(films, chosen.rows, clips)))
        with chromium(Path(place) / "chromium") as page:
            measure_paint(page, report)
            if images:
                take_pictures(page, report, images)


if __name__ == "__main__":
    main()
