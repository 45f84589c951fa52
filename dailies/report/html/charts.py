"""Draws charts as inline SVG; their colours come from the page, so one file serves light and dark. Pure."""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any
from xml.etree.ElementTree import Element, tostring

import pygal
from pygal.style import Style

from dailies.report.html.figures import Wait
from dailies.report.totals import Total

# For its plugins, of which there are none here, pygal hooks into every later import of the process, in a way that
# Python 3.12 has dropped and 3.11 warns of.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "PluginImportFixer"]

BAR_PX = 26
LONGEST_LABEL = 34
MOST_LABELS = 14
_STYLE = Style(colors=("#888888",) * 64)  # never seen: the page colours what the classes name


def bar_chart(totals: Sequence[Total]) -> str:
    """Draw the cost of each group in MXN as horizontal bars; empty for a single group."""
    if len(totals) < 2:
        return ""
    chart = _chart(pygal.HorizontalBar, 60 + BAR_PX * len(totals), _mxn_like(totals))
    shown = totals[::-1]
    chart.x_labels = [_label(total.name) for total in shown]
    chart.add("MXN", [float(total.charged_mxn) for total in shown])
    return _svg(chart)


def day_chart(totals: Sequence[Total]) -> str:
    """Draw the cost of each day in MXN, labelled by month and day; empty for a single day."""
    if len(totals) < 2:
        return ""
    chart = _chart(pygal.Bar, 260, _mxn_like(totals))
    every = -(-len(totals) // MOST_LABELS)
    chart.x_labels = ["" if number % every else total.name[5:] for number, total in enumerate(totals)]
    chart.add("MXN", [float(total.charged_mxn) for total in totals])
    return _svg(chart)


def wait_chart(waits: Sequence[Wait]) -> str:
    """Draw the spread of each model's waits: a box from the first to the third quartile, whiskers to both ends."""
    if not any(wait.videos > 1 for wait in waits):
        return ""
    chart = _chart(pygal.Box, 300, _seconds)
    chart.x_labels = [_label(wait.model) for wait in waits]
    for wait in waits:
        chart.add(wait.model, list(wait.waits_s))
    return _svg(chart)


def poll_chart(polls: Counter[int]) -> str:
    """Draw how many videos took how many polls."""
    if len(polls) < 2:
        return ""
    counts = range(min(polls), min(max(polls), min(polls) + 40) + 1)
    chart = _chart(pygal.Bar, 220, lambda number: f"{number:.0f}")
    chart.x_labels = [str(count) for count in counts]
    chart.add("videos", [polls[count] for count in counts])
    return _svg(chart)


def _chart(kind: Any, height: int, formatter: Callable[[float], str], **options: Any) -> Any:
    return kind(
        width=760,
        height=height,
        style=_STYLE,
        css=(),  # the page has its own
        js=(),
        show_legend=False,
        margin=8,
        spacing=6,
        max_scale=8,
        formatter=formatter,
        value_formatter=formatter,
        truncate_label=-1,
        no_prefix=True,
        disable_xml_declaration=True,
        **options,
    )


def _svg(chart: Any) -> str:
    """Return the chart alone: no script, no style, no comment; a screen reader uses the table beside it."""
    root: Element = chart.render_tree()
    for parent in list(root.iter()):
        for child in list(parent):
            if not isinstance(child.tag, str) or _is_for_scripts(child):
                parent.remove(child)
    root.attrib.pop("id", None)
    root.set("aria-hidden", "true")
    root.set("focusable", "false")
    text = tostring(root, encoding="unicode", short_empty_elements=True)
    return text.replace("svg:", "").replace(":svg", "")


def _is_for_scripts(element: Element) -> bool:
    tag, kind = element.tag.rpartition("}")[2], element.get("class", "")
    return tag in ("script", "style", "title", "desc", "defs") or kind == "titles" or kind.endswith("overlay")


def _label(name: str) -> str:
    return name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 3]}..."


def _mxn_like(totals: Sequence[Total]) -> Callable[[float], str]:
    """Format whole pesos for large sums and cents for small ones; the same along the whole axis."""
    places = 0 if max(total.charged_mxn for total in totals) >= 20 else 2
    return lambda amount: f"{amount:,.{places}f}"


def _seconds(amount: float) -> str:
    return f"{amount:,.0f} s" if amount >= 10 else f"{amount:.1f} s"
