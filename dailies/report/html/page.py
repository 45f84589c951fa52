"""The report as one HTML text: figures, charts and cards, put into the template. Nothing in it asks the network."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dailies.ledger.entry import LedgerEntry
from dailies.report.html.card import make_card
from dailies.report.html.charts import bar_chart, day_chart, poll_chart, wait_chart
from dailies.report.html.figures import Figures, last_attempts
from dailies.report.html.video_links import VideoSource

MOST_CARDS = 5000
MOST_OPTIONS = 60

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything that goes into a report.

    Attributes:
        title: what it is about.
        scope: which part of which ledger.
        service: ``live`` or ``sandbox``.
        made_at: when.
        zone: in which time zone days begin.
        entries: all attempts of the rows.
        figures: what was counted of them.
        sources: where the videos are, by job id.
        pictures: their thumbnails, by job id.
        account: the ledger held against the account, line by line.
        command: what makes this report again.
        query: what adds the charges up without Dailies.
        provenance: what it was made from, line by line.
    """

    title: str
    scope: str
    service: str
    made_at: datetime
    zone: ZoneInfo
    entries: Sequence[LedgerEntry]
    figures: Figures
    sources: Mapping[str, VideoSource]
    pictures: Mapping[str, str]
    account: Pairs
    command: str
    query: str
    provenance: Pairs


@dataclass(frozen=True, slots=True)
class Column:
    """A metadata column to filter by, and its values."""

    name: str
    options: tuple[str, ...]


def render_report(contents: Contents) -> str:
    """The whole page."""
    rows = last_attempts(contents.entries)
    columns = _columns(rows)
    names = [column.name for column in columns]
    cards = [make_card(row, names, contents.sources, contents.pictures) for row in rows[:MOST_CARDS]]
    style, script = _asset("report.css"), _asset("report.js")
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            **{
                name: getattr(contents, name) for name in ("title", "scope", "service", "figures", "account", "command")
            },
            query=contents.query,
            provenance=contents.provenance,
            made_at=f"{contents.made_at.astimezone(contents.zone):%Y-%m-%d %H:%M} ({contents.zone})",
            zone=str(contents.zone),
            models=sorted({card.model for card in cards}),
            statuses=sorted({card.status for card in cards}),
            columns=columns,
            cards=cards,
            left_out=len(rows) - len(cards),
            charts=_charts(contents.figures),
            style=Markup(style),  # noqa: S704 - our own file
            script=Markup(script),  # noqa: S704 - our own file
            style_hash=_hash(style),
            script_hash=_hash(script),
        )
    )


def _columns(rows: Sequence[LedgerEntry]) -> list[Column]:
    """The columns that are worth a filter: with more than one value, and not more than a list can show."""
    names = sorted({name for row in rows for name in row.metadata})
    found = (Column(name, tuple(sorted({row.metadata.get(name, "") for row in rows} - {""}))) for name in names)
    return [column for column in found if 1 < len(column.options) <= MOST_OPTIONS]


def _charts(figures: Figures) -> dict[str, object]:
    def safe(svg: str) -> Markup:
        return Markup(svg)  # noqa: S704 - serialised by an XML library, which has escaped every label

    return {
        "model": safe(bar_chart(figures.by_model)),
        "day": safe(day_chart(figures.by_day)),
        "metadata": {name: safe(bar_chart(spends)) for name, spends in figures.by_metadata.items()},
        "waits": safe(wait_chart(figures.waits)),
        "polls": safe(poll_chart(figures.polls)),
    }


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dailies.report.html"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(number=_number, money=_money, seconds=_seconds)
    return environment


@cache
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
