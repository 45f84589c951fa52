"""How text of others is written into Markdown: as text."""

import re
from dataclasses import replace

import pytest

from dailies.ledger.entry import EntryStatus
from dailies.planning.outcome import Outcome, RowOutcome
from dailies.report.summary import summary_markdown
from dailies.wording import markdown_target, plain_markdown
from tests.factories import make_entry, make_file, make_row

HOSTILE = (
    "[click](http://evil.example)",
    "![x](http://evil.example/x.png)",
    "<img src=x onerror=alert(1)>",
    "a | b\n\n# Heading",
    "`code` *bold* _it_ ~~no~~ &lt;",
    "see http://evil.example and www.evil.example",
    "\\[already escaped](x)",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_markup_of_others_survives(text: str) -> None:
    written = plain_markdown(text)
    assert re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]<>|~#!&]", written) is None
    assert "\n" not in written
    assert "://" not in written
    assert "www." not in written
    assert re.sub(r"\\(.)", r"\1", written) == " ".join(text.split())


def test_a_target_cannot_end_its_link() -> None:
    assert markdown_target("https://a.test/b?c=d&e=%20") == "https://a.test/b?c=d&e=%20"
    assert re.search(r"[()<>\s\"]", markdown_target('https://a.test/) [x](javascript:alert(1)) "\n')) is None


def test_the_summary_shows_a_failure_as_text() -> None:
    row = make_row()
    entry = make_entry(row.prompt, row_key=row.row_key)
    failed = replace(entry, status=EntryStatus.FAILED, error="<b>[x](http://evil.example)</b>|")
    outcome = Outcome(make_file(row), (RowOutcome(row, failed, None, True),))
    page = summary_markdown(outcome, "data/results/a_b.csv")
    assert r"\<b\>\[x\](http:\/\/evil.example)\</b\>\|" in page
    assert r"a\_b.csv" in page
