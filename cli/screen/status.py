"""`dailies status`: the ledger at a glance, and what to do next."""

import shlex
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from cli.known_service import Service
from cli.screen.console import say, show_table
from dailies.report.ledger_status import Spent, Standing, read_standing
from dailies.wording import count, mxn

_SHOWN_VALUES = 10


def status_facts(service: Service) -> dict[str, Any]:
    """The same for programs."""
    standing = _read(service)
    facts = _facts(standing) if standing else {}
    return {"service": service.name, "ledger": str(service.ledger_path), **facts, "next": list(_next(standing))}


def _facts(standing: Standing) -> dict[str, Any]:
    open_sources = [{**asdict(source), "statuses": dict(source.statuses)} for source in standing.open]
    return {**asdict(standing), "open": open_sources}  # asdict makes no sense of a Counter


def show_status(console: Console, service: Service) -> None:
    """Show where the ledger is, what is open, what was spent, who is at work."""
    say(console, f"{'GeekHub' if service.is_real_money else 'Sandbox'} ledger: {service.ledger_path}")
    standing = _read(service)
    if standing is not None:
        _show_spent(console, standing)
        _show_work(console, standing)
    for line in _next(standing):
        say(console, line, "bold")


def _read(service: Service) -> Standing | None:
    folder = service.find_ledger()
    return None if folder is None else read_standing(folder, service.settings.tariff, datetime.now(UTC))


def _show_spent(console: Console, standing: Standing) -> None:
    total = standing.total
    if not total.videos:
        say(console, f"Spent in {standing.month}: nothing.")
        return
    all_of_it = (total,) if len(standing.by_model) > 1 else ()
    _show_groups(console, f"Spent in {standing.month}, by model", "model", (*standing.by_model, *all_of_it))
    for name, groups in standing.by_metadata.items():
        _show_groups(console, f"Spent in {standing.month}, by meta.{name}", f"meta.{name}", groups)
    if total.unknown:
        say(console, f"Not known is the charge of {count(total.unknown, 'video')}: set their month's DAILIES_FX.")


def _show_groups(console: Console, title: str, first: str, groups: tuple[Spent, ...]) -> None:
    shown = groups if len(groups) <= _SHOWN_VALUES + 1 else groups[:_SHOWN_VALUES]
    rows: list[dict[str, object]] = [
        {first: spent.name, "videos": spent.videos, "seconds": spent.seconds, "MXN": f"{spent.charged_mxn:,.2f}"}
        for spent in shown
    ]
    show_table(console, title, rows)
    if len(shown) < len(groups):
        say(console, f"... and {len(groups) - len(shown):,} more (--json shows all)")


def _show_work(console: Console, standing: Standing) -> None:
    for run in standing.runs:
        state = "at work" if run.is_live else "ended early"
        who = f"flow run {run.flow_run_id}" if run.flow_run_id else "no flow run"
        say(console, f"Batch {run.batch_id} of {run.source}: {state}, {run.finished}/{run.rows} rows ended ({who}).")
    for source in standing.open:
        statuses = ", ".join(f"{number} {status.replace('_', ' ')}" for status, number in source.statuses.items())
        possible = f"; may still cost {mxn(source.possible_mxn)}" if source.possible_mxn else ""
        say(console, f"Open in {source.source}: {statuses}{possible}.")


def _next(standing: Standing | None) -> Iterator[str]:
    if standing is None:
        yield "Nothing was run yet. Next: dailies plan prompts.csv"
        return
    live = {run.source for run in standing.runs if run.is_live}
    waiting = {source.source for source in standing.open} | {run.source for run in standing.runs}
    for source in sorted(live):
        yield f"A run works on {source}: wait for it."
    for source in sorted(waiting - live):
        yield f"Next: dailies run {shlex.quote(source)}"
    if not live and not waiting:
        yield "Nothing is open."
