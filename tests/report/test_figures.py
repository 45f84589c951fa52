"""What a report counts, and that its page says nothing else."""

from dataclasses import replace
from decimal import Decimal

import pytest

from dailies.ledger.entry import EntryStatus
from dailies.report.html.charts import bar_chart, day_chart, poll_chart, wait_chart
from dailies.report.html.figures import MOST_GROUPS, count_figures
from dailies.report.html.video_links import find_videos
from tests.factories import completed, make_entry, make_tariff
from tests.mirror.film import FilmServer, film
from tests.report.conftest import Write
from tools.report_shots import SCRIPT, shots


def test_rows_are_counted_once_and_charges_all(films: FilmServer) -> None:
    failed = make_entry("a fox", status=EntryStatus.FAILED, error="fal status: ERROR", attempt=1)
    retried = completed(make_entry("a fox", attempt=2))
    rendering = make_entry("an owl", status=EntryStatus.PROCESSING, polls=2)
    figures = count_figures([failed, retried, rendering], make_tariff())
    assert (figures.rows, figures.total.videos, figures.failed, figures.open) == (2, 1, 0, 1)
    assert (figures.total.charged_mxn, figures.total.charged_usd, figures.total.seconds) == (
        Decimal("4.2"),
        Decimal("0.21"),
        5,
    )
    assert figures.possible_mxn == Decimal("4.2")


def test_days_begin_in_the_tariffs_time_zone() -> None:
    late = completed(make_entry("a fox"))
    figures = count_figures([replace(late, completed_at=late.completed_at.replace(hour=3))], make_tariff())
    assert [total.name for total in figures.by_day] == ["2026-11-11"]


def test_the_most_expensive_group_is_first_and_the_rest_is_one_group() -> None:
    entries = [
        completed(make_entry(f"shot {n}", metadata={"client": f"c{n}"}), charged_mxn=Decimal(n)) for n in range(1, 41)
    ]
    totals = count_figures(entries, make_tariff()).by_metadata["client"]
    assert len(totals) == MOST_GROUPS
    assert (totals[0].name, totals[-1].name) == ("c40", "16 others")
    assert sum(total.charged_mxn for total in totals) == sum(range(1, 41))


def test_failures_are_named_with_their_places() -> None:
    entries = [
        make_entry("a", status=EntryStatus.FAILED, error="too dark", source_line=14),
        make_entry("b", status=EntryStatus.REJECTED, error="too long", source_line=15, prompt_id="hero"),
        make_entry("c", status=EntryStatus.FAILED, error="too dark", source_line=16),
    ]
    failures = count_figures(entries, make_tariff()).failures
    assert [(one.reason, one.rows) for one in failures] == [("too dark", 2), ("too long", 1)]
    assert failures[0].places == ("prompts.csv line 14", "prompts.csv line 16")
    assert failures[1].places == ("prompts.csv line 15 (hero)",)


def test_waits_tell_the_spread_and_the_lag() -> None:
    entries = [completed(make_entry(f"s{n}"), waited_s=float(n), not_done_at_s=n - 2.0) for n in range(10, 21)]
    (wait,) = count_figures(entries, make_tariff()).waits
    assert (wait.shortest_s, wait.median_s, wait.longest_s, wait.lag_s) == (10.0, 15.0, 20.0, 2.0)


def test_charts_are_drawn_where_there_is_something_to_compare(films: FilmServer) -> None:
    figures = count_figures(shots(films, 40), make_tariff())
    drawn = (bar_chart(figures.by_model), day_chart(figures.by_day), wait_chart(figures.waits))
    for svg in (*drawn, poll_chart(figures.polls)):
        assert svg.startswith("<svg")
        assert "script" not in svg
        assert "style=" not in svg
        assert len(svg) < 20_000
    alone = count_figures([completed(make_entry())], make_tariff())
    assert (
        bar_chart(alone.by_model) == day_chart(alone.by_day) == wait_chart(alone.waits) == poll_chart(alone.polls) == ""
    )


def test_only_web_addresses_and_files_become_links(tmp_path) -> None:
    for url in ("javascript:alert(1)", "data:text/html,x", "ftp://a/b.mp4", ""):
        entry = completed(make_entry(), video_url=url)
        assert find_videos([entry], [], tmp_path / "report.html") == {}


def test_the_page_escapes_every_text_and_names_no_other_place(films: FilmServer, write: Write) -> None:
    page = write(shots(films)).read_text("utf-8")
    assert "&lt;script&gt;document.title" in page
    assert SCRIPT not in page
    assert page.count("<script>") == 1
    for word in ("src=", "href="):
        for part in page.split(word)[1:]:
            assert part.startswith(('"data:image/webp', '"#', f'"{films.url}'))


def test_pictures_are_made_once_and_kept(films: FilmServer, write: Write) -> None:
    entries = shots(films)
    first = write(entries).read_text("utf-8")
    asked = len(films.asked)
    assert asked == first.count("data:image/webp") > 0
    assert write(entries).read_text("utf-8").count("data:image/webp") == asked
    assert len(films.asked) == asked


def test_a_video_without_a_picture_has_a_placeholder(films: FilmServer, write: Write) -> None:
    entries = shots(films)
    text, missing, undecodable, listing = list(films.films)[:4]
    films.films[text] = b"no film"
    del films.films[missing]
    films.films[undecodable] = film().replace(b"avc1", b"zzzz")
    films.films[listing] = b"ffconcat version 1.0\nfile /etc/hostname\n"
    page = write(entries).read_text("utf-8")
    assert page.count("no picture") == 4


@pytest.mark.parametrize("most", [0, 3])
def test_at_most_so_many_pictures_are_made(films: FilmServer, write: Write, most: int) -> None:
    page = write(shots(films), thumbnails=most).read_text("utf-8")
    assert page.count("data:image/webp") == len(films.asked) == most


def test_an_empty_report_can_be_written(write: Write) -> None:
    page = write([make_entry(status=EntryStatus.PLANNED)]).read_text("utf-8")
    assert "not submitted yet" in page


def test_a_storage_that_is_away_is_not_asked_for_every_picture(films: FilmServer, write: Write) -> None:
    entries = shots(films, 200)
    films.films.clear()
    assert "data:image/webp" not in write(entries).read_text("utf-8")
    assert len(films.asked) < 40
