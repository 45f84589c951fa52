"""What the report's tests share: a server of films, and one call that writes a report."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from dailies.ledger.entry import LedgerEntry
from dailies.report.html.write import write_report
from dailies.settings import load_settings
from tests.factories import make_folder
from tests.mirror.film import FilmServer, film_server

Write = Callable[..., Path]


@pytest.fixture
def films() -> Iterator[FilmServer]:
    with film_server() as server:
        yield server


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Put entries into a ledger and write the report about them."""

    def write_entries(entries: Sequence[LedgerEntry], **wishes: Any) -> Path:
        folder = make_folder(tmp_path / "ledger")
        folder.put(entries)
        values: dict[str, Any] = {
            "title": "prompts.csv",
            "scope": "source prompts.csv",
            "command": "dailies report --source prompts.csv",
            "path": tmp_path / "out" / "report.html",
            "thumbnails": 1000,
            **wishes,
        }
        settings = load_settings(data_dir=tmp_path / "data", geekhub_base_url="http://127.0.0.1/v1")
        return asyncio.run(write_report(folder, entries, settings, **values))

    return write_entries
