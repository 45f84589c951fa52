"""The report as one HTML text: figures, charts and cards in the template. The page loads nothing from the network."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dailies.ledger.entry import LedgerEntry
from dailies.report.html.card import Card, make_card
from dailies.report.html.charts import bar_chart, day_chart, poll_chart, wait_chart
from dailies.report.html.figures import Figures
from dailies.report.html.video_links import VideoSource

MOST_CARDS = 5000
MOST_OPTIONS = 60

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class FilterColumn:
    """A metadata column to filter by, and its values."""

    name: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """What the template shows.

    Attributes:
        title: the headline.
        scope: which part of which ledger.
        service: ``live`` or ``sandbox``.
        made_at: when, in the time zone in which days begin.
        figures: counts and sums of the rows.
        columns: the filters.
        cards: one for each row, up to ``MOST_CARDS``.
        rows: how many rows there are.
        account: the ledger compared with the account, line by line.
        command: what writes this report again.
        query: what adds up the charges without Dailies.
        provenance: what it was made from, line by line.
    """

    title: str
    scope: str
    service: str
    made_at: datetime
    figures: Figures
    columns: Sequence[FilterColumn]
    cards: Sequence[Card]
    rows: int
    account: Pairs
    command: str
    query: str
    provenance: Pairs

    @property
    def models(self) -> list[str]:
        """The models to filter by."""
        return sorted({card.model for card in self.cards})

    @property
    def statuses(self) -> list[str]:
        """The statuses to filter by."""
        return sorted({card.status for card in self.cards})


def filter_columns(rows: Sequence[LedgerEntry]) -> list[FilterColumn]:
    """Choose the columns that are worth a filter: with more than one value, and not more than a list can show."""
    names = sorted({name for row in rows for name in row.metadata})
    found = (FilterColumn(name, tuple(sorted({row.metadata.get(name, "") for row in rows} - {""}))) for name in names)
    return [column for column in found if 1 < len(column.options) <= MOST_OPTIONS]


def make_cards(
    rows: Sequence[LedgerEntry],
    columns: Sequence[FilterColumn],
    videos: Mapping[str, VideoSource],
    pictures: Mapping[str, str],
) -> list[Card]:
    """Make the cards of the first ``MOST_CARDS`` rows."""
    names = [column.name for column in columns]
    return [make_card(row, names, videos, pictures) for row in rows[:MOST_CARDS]]


def render_page(page: Page) -> str:
    """Render the whole page."""
    return _environment().get_template("report.html.j2").render(page=page)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dailies.report.html"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    style, script = _asset("report.css"), _asset("report.js")
    environment.globals.update(
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        style_hash=_hash(style),
        script_hash=_hash(script),
        bar_chart=lambda totals: _svg(bar_chart(totals)),
        day_chart=lambda totals: _svg(day_chart(totals)),
        wait_chart=lambda waits: _svg(wait_chart(waits)),
        poll_chart=lambda polls: _svg(poll_chart(polls)),
    )
    environment.filters.update(number=_number, money=_money, seconds=_seconds)
    return environment


def _svg(chart: str) -> Markup:
    return Markup(chart)  # noqa: S704 - an XML library has escaped every label


def _asset(name: str) -> str:
    return files("dailies.report.html").joinpath("templates", name).read_text("utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _number(count: int) -> str:
    return f"{count:,}"


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    return f"{seconds:,.0f}" if seconds >= 10 else f"{seconds:.1f}"
