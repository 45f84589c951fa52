"""One use of `plan`, `run`, `results` or `failed`: its prompts, the service, the ledger and the terms of the claim."""

import asyncio
import contextlib
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path

from cli.screen.console import console, say
from cli.service import Service, find_service, open_service
from dailies.errors import LedgerError, RefusedError, ServiceError
from dailies.ledger.folder import LedgerFolder
from dailies.planning.claim import read_plan
from dailies.planning.options import RunOptions
from dailies.planning.outcome import Outcome, read_outcome
from dailies.planning.plan import Plan
from dailies.planning.terms import Terms, ask_balance, terms_from
from dailies.prompts.options import ReadOptions
from dailies.prompts.reader import PromptFile
from dailies.prompts.sources.stdin import is_passing, keep_stdin
from dailies.report.table_formats import ResultsFormat
from dailies.settings import load_settings

_MOST_SOURCES = 1000
_MOST_NAMED_SOURCES = 10
_NOT_REPEATED = {"sources", "reading", "take_over", "fan_out", "approved_mxn", "approved_rows", "new_ledger"}


@dataclass(frozen=True, slots=True)
class Invocation:
    """One use of the command on some prompts.

    Attributes:
        service: where the prompts go.
        folder: that service's ledger.
        whole: every row of the sources.
        terms: the terms on which the run claims rows.
    """

    service: Service
    folder: LedgerFolder
    whole: PromptFile
    terms: Terms

    @property
    def options(self) -> RunOptions:
        """The options of the command."""
        return self.terms.options

    @property
    def next_command(self) -> str:
        """The command that runs the prompts, or continues them."""
        return command_to_run(self.options)

    @property
    def prompts(self) -> PromptFile:
        """The rows within the limit."""
        return self.whole.first(self.options.limit)

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
        return self.whole_outcome().first(self.options.limit)

    def whole_outcome(self) -> Outcome:
        """Read the present state of every row."""
        return read_outcome(self.folder, self.whole, self.terms.policy)


def open_invocation(options: RunOptions, *, keep_input: bool = False) -> Invocation:
    """Read the sources, then find the service and its ledger, and ask for the balance.

    ``keep_input`` copies standard input into a file, so that a later run can continue it.

    Raises:
        InputError: the sources cannot be used; nothing else was touched.
        SettingsError, RefusedError: the environment cannot be used.
    """
    if len(options.sources) > _MOST_SOURCES:
        raise RefusedError(
            f"{len(options.sources):,} sources are too many to name ({_MOST_SOURCES:,} at most): put the pattern in"
            " quotes, such as 'many/*.csv', and Dailies looks for the files itself. Nothing was spent."
        )
    if keep_input:
        options = replace(options, sources=tuple(_keep_stdin(options.sources)))
    whole = read_sources(options)
    service = open_service()
    settings = load_settings(**options.overrides)
    with nothing_spent():
        folder = service.open_ledger()
        balance = asyncio.run(ask_balance(settings, folder))
    terms = terms_from(settings, options, balance=balance)
    return Invocation(replace(service, settings=settings), folder, whole, terms)


def find_invocation(csv: Sequence[str], reading: ReadOptions) -> Invocation:
    """Do the same for a verb that only reads: start nothing, send nothing.

    Raises:
        InputError, SettingsError, RefusedError: as ``open_invocation``.
    """
    options = RunOptions(sources=tuple(csv), reading=replace(reading, skip_bad_rows=True))
    whole = read_sources(options)
    service = find_service()
    with nothing_spent():
        folder = service.open_ledger()
    options = replace(options, reading=replace(reading, skip_bad_rows=bool(whole.rejected)))
    return Invocation(service, folder, whole, terms_from(service.settings, options))


def command_to_run(options: RunOptions) -> str:
    """Return the command line that runs some sources with these options; unset options are left out.

    Standard input can be read only once, so it has to become a file first; a long list of files is not repeated.
    """
    if len(options.sources) > _MOST_NAMED_SOURCES:
        return "dailies run with the same files and options."
    passing = any(map(is_passing, options.sources))
    words = ["dailies", "run", *("prompts.csv" if is_passing(name) else name for name in options.sources)]
    words += options.reading.words()
    for field in fields(RunOptions):
        value = getattr(options, field.name)
        if field.name not in _NOT_REPEATED and value != field.default:
            words += [f"--{field.name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return f"{'save the prompts as a file, then: ' if passing else ''}{shlex.join(words)}"


def read_sources(options: RunOptions, *, as_json: bool = False) -> PromptFile:
    """Read the sources, and show what the reader decided: on standard error, one line for each decision.

    Raises:
        InputError: the sources cannot be used.
    """
    whole = options.read(load_settings(), quote=sys.stderr.isatty() and not as_json)
    if not as_json:
        for note in whole.notes:
            say(console(to_stderr=True), note, "yellow")
    return whole


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
