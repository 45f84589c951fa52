"""One use of `plan`, `run`, `results` or `failed`: its prompts, the service, the ledger and the terms of the claim."""

import asyncio
import contextlib
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from cli.screen.console import console, say
from cli.service import Service, find_service, open_service
from dailies.errors import LedgerError, RefusedError, ServiceError
from dailies.ledger.folder import LedgerFolder
from dailies.planning.claim import read_plan
from dailies.planning.outcome import Outcome, read_outcome
from dailies.planning.plan import Plan
from dailies.planning.submit_order import Order
from dailies.planning.terms import Terms, ask_balance, terms_from
from dailies.prompts.reader import PromptFile, read_prompts
from dailies.prompts.sources.stdin import is_passing, keep_stdin
from dailies.report.table_formats import ResultsFormat
from dailies.settings import load_settings

_MOST_SOURCES = 1000
_MOST_NAMED_SOURCES = 10


@dataclass(frozen=True, slots=True)
class Invocation:
    """One use of the command on some prompts.

    Attributes:
        service: where the prompts go.
        folder: that service's ledger.
        whole: every row of the sources.
        terms: the terms on which the run claims rows.
        csv: the sources: paths, URLs, patterns.
        next_command: the command that runs the prompts, or continues them.
        template: the prompt of rows that have none.
        limit: how many rows to use from the start of the sources; None for all.
    """

    service: Service
    folder: LedgerFolder
    whole: PromptFile
    terms: Terms
    csv: Sequence[str]
    next_command: str
    template: str | None = None
    limit: int | None = None

    @property
    def prompts(self) -> PromptFile:
        """The rows within the limit."""
        return self.whole.first(self.limit)

    @property
    def results_path(self) -> Path:
        """Where the results go by default."""
        return self.service.settings.results_path(*self.whole.sources)

    def place_results(self, output: Path | None, form: ResultsFormat | None) -> Path:
        """Return where the results go for these options."""
        return output or (self.results_path.with_suffix(f".{form}") if form else self.results_path)

    def plan(self) -> Plan:
        """Plan the rows within the limit against the present ledger."""
        return read_plan(self.folder, self.prompts, self.terms, datetime.now(UTC))

    def outcome(self) -> Outcome:
        """Read the present state of the rows within the limit."""
        return self.whole_outcome().first(self.limit)

    def whole_outcome(self) -> Outcome:
        """Read the present state of every row."""
        return read_outcome(self.folder, self.whole, self.terms.policy)


def open_invocation(
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
) -> Invocation:
    """Read the sources, then find the service and its ledger, and ask for the balance.

    ``keep_input`` copies standard input into a file, so that a later run can continue it.

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
    next_command = command_to_run(
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
    return Invocation(replace(service, settings=settings), folder, whole, terms, csv, next_command, template, limit)


def find_invocation(csv: Sequence[str], template: str | None = None) -> Invocation:
    """Do the same for a verb that only reads: start nothing, send nothing.

    Raises:
        InputError, SettingsError, RefusedError: as ``open_invocation``.
    """
    whole = read_prompts(csv, default_model=load_settings().default_model, skip_bad_rows=True, template=template)
    service = find_service()
    with nothing_spent():
        folder = service.open_ledger()
    next_command = command_to_run(csv, template=template, skip_bad_rows=bool(whole.rejected))
    return Invocation(service, folder, whole, terms_from(service.settings), csv, next_command, template)


def command_to_run(csv: Sequence[str], **options: object) -> str:
    """Return the command line that runs some sources with these options; unset options are left out.

    Standard input can be read only once, so it has to become a file first; a long list of files is not repeated.
    """
    if len(csv) > _MOST_NAMED_SOURCES:
        return "dailies run with the same files and options."
    passing = any(map(is_passing, csv))
    words = ["dailies", "run", *("prompts.csv" if is_passing(name) else name for name in csv)]
    for name, value in options.items():
        if value is not None and value is not False:
            words += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return f"{'save the prompts as a file, then: ' if passing else ''}{shlex.join(words)}"


def _keep_stdin(csv: Sequence[str]) -> Sequence[str]:
    folder = load_settings().data_dir / "inputs"
    try:
        csv, kept = keep_stdin(csv, folder)
    except OSError as error:
        raise RefusedError(f"{folder} cannot be written ({error.strerror}). Nothing was spent.") from None
    for path in kept:
        say(console(to_stderr=True), f"Standard input is saved as {path}: name that file to continue.")
    return csv


@contextlib.contextmanager
def nothing_spent() -> Iterator[None]:
    """Turn an error of the ledger or the service into a refusal: nothing was spent yet."""
    try:
        yield
    except (LedgerError, ServiceError) as error:
        raise RefusedError(f"{error}. Nothing was spent.") from error
