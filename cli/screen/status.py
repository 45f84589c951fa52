"""Shows the ledger at a glance, and what to do next."""

import shlex
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from cli.screen.console import say, show_table
from cli.service import Service
from dailies.report.ledger_status import LedgerStatus, read_status
from dailies.report.summary import total_row
from dailies.report.totals import Total
from dailies.wording import count, mxn

_SHOWN_VALUES = 10


def status_facts(service: Service) -> dict[str, Any]:
    """Return the same for programs."""
    status = _read(service)
    facts = _facts(status) if status else {}
    return {
        "service": service.settings.service,
        "ledger": str(service.settings.ledger_path),
        **facts,
        "next": list(_next(status)),
    }


def _facts(status: LedgerStatus) -> dict[str, Any]:
    open_sources = [{**asdict(source), "statuses": dict(source.statuses)} for source in status.open]
    return {**asdict(status), "open": open_sources}  # asdict makes no sense of a Counter


def show_status(console: Console, service: Service) -> None:
    """Show where the ledger is, what is open, what was spent, which runs are in progress."""
    say(console, f"{'GeekHub' if service.is_real_money else 'Sandbox'} ledger: {service.settings.ledger_path}")
    status = _read(service)
    if status is not None:
        _show_spent(console, status, has_fx=service.settings.tariff.fx_at(datetime.now(UTC)) is not None)
        _show_work(console, status)
    for line in _next(status):
        say(console, line, "bold")


def _read(service: Service) -> LedgerStatus | None:
    folder = service.find_ledger()
    return None if folder is None else read_status(folder, service.settings.tariff, datetime.now(UTC))


def _show_spent(console: Console, status: LedgerStatus, *, has_fx: bool) -> None:
    total = status.total
    if not total.videos:
        say(console, f"Spent in {status.month}: nothing.")
        return
    all_of_it = (total,) if len(status.by_model) > 1 else ()
    _show_groups(console, f"Spent in {status.month}, by model", "model", (*status.by_model, *all_of_it))
    for name, groups in status.by_metadata.items():
        _show_groups(console, f"Spent in {status.month}, by meta.{name}", f"meta.{name}", groups)
    if total.unknown:
        remedy = "the column error of the ledger says why" if has_fx else "set DAILIES_FX for their month"
        say(console, f"The charge of {count(total.unknown, 'video')} is unknown: {remedy}.")


def _show_groups(console: Console, title: str, first: str, groups: tuple[Total, ...]) -> None:
    shown = groups if len(groups) <= _SHOWN_VALUES + 1 else groups[:_SHOWN_VALUES]
    show_table(console, title, [dict(total_row(first, total)) for total in shown])
    if len(shown) < len(groups):
        say(console, f"... and {len(groups) - len(shown):,} more (--json shows all)")


def _show_work(console: Console, status: LedgerStatus) -> None:
    for run in status.runs:
        state = "in progress" if run.is_live else "interrupted"
        owner = f"flow run {run.flow_run_id}" if run.flow_run_id else "no flow run"
        say(console, f"Batch {run.batch_id} of {run.source}: {state}, {run.finished}/{run.rows} rows ended ({owner}).")
    for source in status.open:
        statuses = ", ".join(f"{number} {status.replace('_', ' ')}" for status, number in source.statuses.items())
        possible = f"; may still cost {mxn(source.possible_mxn)}" if source.possible_mxn else ""
        say(console, f"Open in {source.source}: {statuses}{possible}.")


def _next(status: LedgerStatus | None) -> Iterator[str]:
    if status is None:
        yield "Nothing was run yet. Next: dailies plan prompts.csv"
        return
    live = {run.source for run in status.runs if run.is_live}
    waiting = {source.source for source in status.open} | {run.source for run in status.runs}
    for source in sorted(live):
        yield f"A run of {source} is in progress: wait for it."
    for source in sorted(waiting - live):
        yield f"Next: dailies run {shlex.quote(source)}"
    if not live and not waiting:
        yield "Nothing is open."
