"""Opening an assignment: read the prompts, find the service and its ledger, before anything is spent."""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from cli.assignment import Assignment, command_to_run
from cli.screen.console import console, say
from cli.service import find_service, open_service
from dailies.errors import LedgerError, RefusedError, ServiceError
from dailies.planning.submit_order import Order
from dailies.planning.terms import ask_balance, terms_from
from dailies.prompts.reader import read_prompts
from dailies.prompts.sources.stdin import keep_stdin
from dailies.settings import load_settings

_MOST_SOURCES = 1000


def open_assignment(
    csv: Sequence[str],
    max_cost_mxn: Decimal | None = None,
    max_month_mxn: Decimal | None = None,
    *,
    template: str | None = None,
    fit: bool = False,
    skip_bad_rows: bool = False,
    retry_failed: bool = False,
    limit: int | None = None,
    take_over: Iterable[str] = (),
    order: Order = "file",
    keep_input: bool = False,
    mirror_to: str | None = None,
) -> Assignment:
    """Read the sources, then find the service and its ledger, and ask for the balance.

    ``keep_input`` puts what comes in on standard input into a file, for a run that somebody may have to take up again.

    Raises:
        InputError: the sources cannot be used; nothing else was touched.
        SettingsError, RefusedError: the environment cannot be used.
    """
    if len(csv) > _MOST_SOURCES:
        raise RefusedError(
            f"{len(csv):,} sources are too many to name ({_MOST_SOURCES:,} at most): put the pattern in quotes, such as"
            " 'many/*.csv', and Dailies looks for the files itself. Nothing was spent."
        )
    if keep_input:
        csv = _keep_stdin(csv)
    whole = read_prompts(
        csv, default_model=load_settings().default_model, skip_bad_rows=skip_bad_rows, template=template
    )
    service = open_service()
    settings = load_settings(max_cost_mxn=max_cost_mxn, max_month_mxn=max_month_mxn, mirror_to=mirror_to)
    with nothing_spent():
        folder = service.open_ledger()
        balance = asyncio.run(ask_balance(settings, folder))
    terms = terms_from(settings, balance=balance, fit=fit, retry_failed=retry_failed, take_over=take_over, order=order)
    again = command_to_run(
        csv,
        template=template,
        max_cost_mxn=max_cost_mxn,
        max_month_mxn=max_month_mxn,
        limit=limit,
        fit=fit,
        skip_bad_rows=skip_bad_rows,
        retry_failed=retry_failed,
        order=order if order != "file" else None,
        mirror_to=mirror_to,
    )
    return Assignment(replace(service, settings=settings), folder, whole, terms, csv, again, template, limit)


def find_assignment(csv: Sequence[str], template: str | None = None) -> Assignment:
    """The same for a verb that only reads: nothing is started, nobody is asked.

    Raises:
        InputError, SettingsError, RefusedError: as ``open_assignment``.
    """
    whole = read_prompts(csv, default_model=load_settings().default_model, skip_bad_rows=True, template=template)
    service = find_service()
    with nothing_spent():
        folder = service.open_ledger()
    again = command_to_run(csv, template=template, skip_bad_rows=bool(whole.rejected))
    return Assignment(service, folder, whole, terms_from(service.settings), csv, again, template)


def _keep_stdin(csv: Sequence[str]) -> Sequence[str]:
    folder = load_settings().data_dir / "inputs"
    try:
        csv, kept = keep_stdin(csv, folder)
    except OSError as error:
        raise RefusedError(f"{folder} cannot be written ({error.strerror}). Nothing was spent.") from None
    for path in kept:
        say(console(to_stderr=True), f"Standard input is kept as {path}: name that file to go on.")
    return csv


@contextlib.contextmanager
def nothing_spent() -> Iterator[None]:
    """Whatever goes wrong in here does so before anything was spent, and the exit code has to say so."""
    try:
        yield
    except (LedgerError, ServiceError) as error:
        raise RefusedError(f"{error}. Nothing was spent.") from error
