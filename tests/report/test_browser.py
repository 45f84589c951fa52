"""The report in a real browser: it renders, filters and plays, without errors and without requests."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.mirror.film import FilmServer
from tests.report.browser import Page, chromium, needs_chromium
from tests.report.conftest import Write
from tools.report_shots import shots

pytestmark = [needs_chromium, pytest.mark.slow]

SHOWN = "[...document.querySelectorAll('.card')].filter(card => !card.hidden).length"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("chromium")) as page:
        yield page


@pytest.fixture
def page(browser: Page, write: Write, films: FilmServer) -> Page:
    path = write(shots(films))
    browser.requests.clear()
    browser.complaints.clear()
    films.asked.clear()
    browser.open(path.as_uri())
    return browser


def choose(page: Page, name: str, value: str) -> None:
    page.run(
        f"(() => {{ const list = document.querySelector('select[data-filter=\"{name}\"]'); list.value = {value!r};"
        " list.dispatchEvent(new Event('change')); })()"
    )


def search(page: Page, words: str) -> None:
    page.run(
        f"(() => {{ const box = document.getElementById('search'); box.value = {words!r};"
        " box.dispatchEvent(new Event('input')); })()"
    )


def test_it_renders_and_asks_nobody(page: Page, films: FilmServer) -> None:
    assert page.run(SHOWN) == 12
    assert page.run("document.querySelectorAll('.chart svg').length") >= 4
    page.wait_for("document.querySelector('.shot img').naturalWidth > 0")
    assert [url for url in page.requests if not url.startswith("file:")] == []
    assert len(page.requests) == 1
    assert films.asked == []
    assert page.complaints == []


def test_a_prompt_is_text_whatever_is_in_it(page: Page) -> None:
    assert page.run("document.title").startswith("prompts.csv")
    assert "<script>document.title = 'broken'</script>" in page.run("document.querySelector('.prompt').textContent")
    assert page.run("document.scripts.length") == 1
    options = "[...document.querySelectorAll('select[data-filter=\"m0\"] option')].map(one => one.textContent)"
    assert "</option><script>alert(1)</script>" in page.run(options)


def test_filters_and_search_narrow_the_gallery(page: Page) -> None:
    choose(page, "model", "fal/kling-2")
    page.wait_for(f"{SHOWN} === 4")
    choose(page, "status", "failed")
    page.wait_for(f"{SHOWN} === 1")
    assert page.run("document.getElementById('shown').textContent") == "1 of 12"
    page.run("document.getElementById('reset').click()")
    assert page.run(SHOWN) == 12
    search(page, "GULLS  shot-004")
    page.wait_for(f"{SHOWN} === 1")
    search(page, "nothing like it")
    page.wait_for(f"{SHOWN} === 0")
    assert page.complaints == []


@pytest.mark.parametrize("value", ['winter "sale"', "</option><script>alert(1)</script>"])
def test_unusual_metadata_can_be_filtered_by(page: Page, value: str) -> None:
    choose(page, "m0", value)
    page.wait_for(f"{SHOWN} === 4")


def test_a_click_plays_the_video_and_is_the_only_request(page: Page, films: FilmServer) -> None:
    page.run("document.querySelector('a.shot').click()")
    page.wait_for("document.querySelector('video') !== null && document.querySelector('video').currentTime > 0")
    assert page.run("document.querySelector('video').videoWidth") == 64
    left = {url for url in page.requests if not url.startswith("file:")}
    assert left == {f"{films.url}/generated-videos/org/0/video.mp4"}
    assert page.complaints == []


def test_the_keyboard_reaches_and_plays_a_video(page: Page) -> None:
    page.run("document.querySelector('a.shot').focus()")
    assert page.run("document.activeElement.getAttribute('aria-label')") == "Play shot-000"
    page.press("Enter", 13)
    page.wait_for("document.activeElement.tagName === 'VIDEO'")
    page.run("document.getElementById('search').focus()")
    page.press("Tab", 9)
    assert page.run("document.activeElement.dataset.filter") == "model"


def test_what_a_screen_reader_needs_is_there(page: Page) -> None:
    nameless = "[...document.querySelectorAll('input, select')].filter(one => one.labels.length === 0).length"
    assert page.run(nameless) == 0
    assert page.run("[...document.querySelectorAll('table')].every(one => one.caption !== null)")
    assert page.run("[...document.querySelectorAll('.chart svg')].every(one => one.ariaHidden === 'true')")
    assert page.run("[...document.querySelectorAll('section')].every(one => one.hasAttribute('aria-labelledby'))")
    assert page.run("document.documentElement.lang") == "en"
    levels = page.run("[...document.querySelectorAll('h1, h2, h3')].map(one => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_both_themes_can_be_read(page: Page, tmp_path: Path) -> None:
    """The contrast of text and of dimmed text with what lies behind them: at least 4.5 (WCAG AA)."""
    colours = {}
    for scheme in ("light", "dark"):
        page.prefer(scheme)
        colours[scheme] = page.run("getComputedStyle(document.body).backgroundColor")
        for name in ("--ink", "--dim", "--accent", "--bad"):
            for ground in ("--paper", "--card"):
                assert _contrast(_colour(page, name), _colour(page, ground)) >= 4.5, (scheme, name, ground)
        page.picture(tmp_path / f"{scheme}.png")
        assert (tmp_path / f"{scheme}.png").stat().st_size > 10_000
    page.prefer("light")
    assert colours["light"] != colours["dark"]


def test_a_video_that_is_gone_says_so(page: Page, films: FilmServer) -> None:
    films.films.clear()
    page.run("document.querySelector('a.shot').click()")
    page.wait_for("document.querySelector('.shot.none').textContent.includes('cannot be played')")


def _colour(page: Page, name: str) -> tuple[float, ...]:
    text = page.run(
        f"(() => {{ const one = document.createElement('i'); one.style.color = 'var({name})';"
        " document.body.append(one); const found = getComputedStyle(one).color; one.remove(); return found; })()"
    )
    return tuple(int(part) / 255 for part in text.removeprefix("rgb(").removesuffix(")").split(","))


def _contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    def luminance(colour: tuple[float, ...]) -> float:
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
