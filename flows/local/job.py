"""Prompts at the command line: what `plan`, `run` and `results` have in common."""

import asyncio
import contextlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.prompt import Confirm

from dailies.claim import claim_rows, read_plan
from dailies.errors import LedgerError, RefusedError, ServiceError
from dailies.folder import LedgerFolder
from dailies.journal import journal_paths
from dailies.order import Order
from dailies.plan import Plan
from dailies.prompts import PromptFile, read_prompts
from dailies.report.outcome import Outcome, read_outcome
from dailies.report.results import write_results
from dailies.report.sheets import ResultsFormat
from dailies.screen.console import complain, count, say
from dailies.screen.console import console as stdout_or_stderr
from dailies.screen.display import mxn, show_outcome, show_plan
from dailies.service import Service
from dailies.settings import load_settings
from dailies.sources.stdin import keep_stdin
from dailies.terms import Terms, ask_balance, terms_from
from flows.arrival import catch_up, show_arrival
from flows.local.environment import find_service, open_service


class Job:
    """Sources of prompts, the service they are meant for, and the terms of this command.

    Args:
        service: where it goes.
        folder: that service's ledger.
        whole: what is in the sources.
        terms: on what terms its rows are claimed.
        csv: where it is: paths, URLs, patterns.
        template: the prompt of rows without one.
        limit: how many of its first rows count, None for all.
    """

    def __init__(
        self,
        service: Service,
        folder: LedgerFolder,
        whole: PromptFile,
        terms: Terms,
        csv: Sequence[str],
        template: str | None = None,
        limit: int | None = None,
    ) -> None:
        self.service = service
        self.folder = folder
        self.prompts = whole.first(limit)
        self.terms = terms
        self._whole = whole
        self._csv = csv
        self._template = template
        self._limit = limit

    @property
    def results_path(self) -> Path:
        """Where the results go unless another place is named."""
        return self.service.settings.results_path(self.prompts.source)

    def show_plan(self, console: Console) -> Plan:
        """Show where the command is going, and what is left to do."""
        if self.service.sandbox_url is not None:
            where = self.service.sandbox_url
            say(console, f"No GEEKHUB_API_KEY, so this is the sandbox at {where}: no money is spent.", "cyan")
        plan = self.plan()
        show_plan(console, plan)
        if left := self._whole.record_count - self.prompts.record_count:
            say(console, f"Beyond --limit {self._limit}: {count(left, 'row')}.")
        return plan

    def plan(self) -> Plan:
        """What is left to do, as things stand."""
        return read_plan(self.folder, self.prompts, self.terms, datetime.now(UTC))

    def run(self, console: Console, *, yes: bool) -> int:
        """Show the plan, ask where money is real, run the flow, show what became of it; returns the exit code."""
        plan = self.show_plan(console)
        self._require_room_for_results()
        if not plan.todo:
            if plan.left or self._whole.rejected or journal_paths(self.folder.journals):
                claim_rows(self.folder, self.prompts, self.terms, datetime.now(UTC))  # folds what dead runs left
            catch_up(self.folder, self.outcome(), self.service.settings)
            return self._close(console)
        self._ask(console, plan, yes=yes)
        stopped_by = self._generate(console, plan)
        code = self._close(console)
        if stopped_by is None:
            return code
        complain(stopped_by)
        return max(code, 1)

    def _close(self, console: Console) -> int:
        """Write the results, say where everything is; returns the exit code."""
        code = self.write_results(console)
        return max(code, show_arrival(console, self.folder, self.outcome(), self.service.settings))

    def _generate(self, console: Console, plan: Plan) -> str | None:
        from flows.local.running import await_server, begin_server, prepare_prefect, run_generate

        settings = self.service.settings
        prepare_prefect(settings)
        server = begin_server()
        await_server(server, console, settings)
        say(console, f"Watch it in Prefect: {server.ui_url}")
        return run_generate(
            console,
            self._csv,
            template=self._template or "",
            max_cost_mxn=settings.max_cost_mxn,
            max_month_mxn=settings.max_month_mxn,
            fit=self.terms.caps.fit,
            skip_bad_rows=bool(self._whole.rejected),
            retry_failed=self.terms.policy.retry_failed,
            limit=self._limit,
            approved_mxn=plan.worst_mxn,
            take_over=sorted(self.terms.take_over),
            order=self.terms.order,
            mirror_to=settings.mirror_to or "",
        )

    def _ask(self, console: Console, plan: Plan, *, yes: bool) -> None:
        if yes or not self.service.is_real_money:
            return
        if not sys.stdin.isatty():
            raise RefusedError("This would spend real money and nobody can be asked; say --yes to run it in a script.")
        if not Confirm.ask(f"Spend up to {mxn(plan.worst_mxn)}?", console=console, default=False):
            raise RefusedError("Nothing was spent.")

    def _require_room_for_results(self) -> None:
        folder = self.results_path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RefusedError(
                f"The folder of the results, {folder}, cannot be made ({error.strerror}); choose another by"
                " DAILIES_DATA_DIR. Nothing was spent."
            ) from None

    def outcome(self) -> Outcome:
        """How the first rows stand now, or all of them where no limit was set."""
        return self._whole_outcome().first(self._limit)

    def _whole_outcome(self) -> Outcome:
        return read_outcome(self.folder, self._whole, self.terms.tariff, self.terms.policy, datetime.now(UTC))

    def place_results(self, output: Path | None, form: ResultsFormat | None) -> Path:
        """Where the results go if they are asked for in that place and that format."""
        return output or (self.results_path.with_suffix(f".{form}") if form else self.results_path)

    def write_results(self, console: Console, output: Path | None = None, form: ResultsFormat | None = None) -> int:
        """Write the results of all sources and show how they stand; returns the exit code that says it."""
        path = self.place_results(output, form)
        if path.is_dir():
            raise RefusedError(f"{path}: this is a folder; name a file in it, such as {path / self.results_path.name}")
        whole = self._whole_outcome()
        write_results(path, whole, form)
        outcome = whole.first(self._limit)
        show_outcome(console, outcome, str(path))
        return outcome.exit_code


def open_job(
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
) -> Job:
    """Read the sources, then find the service and its ledger, and ask for the balance.

    ``keep_input`` puts what comes in on standard input into a file, for a run that somebody may have to take up again.

    Raises:
        InputError: the sources cannot be used; nothing else was touched.
        SettingsError, RefusedError: the environment cannot be used.
    """
    if keep_input:
        csv = _keep_stdin(csv)
    whole = read_prompts(
        csv, default_model=load_settings().default_model, skip_bad_rows=skip_bad_rows, template=template
    )
    service = open_service()
    settings = load_settings(max_cost_mxn=max_cost_mxn, max_month_mxn=max_month_mxn, mirror_to=mirror_to)
    with nothing_spent():
        folder = service.open_ledger()
        balance = asyncio.run(ask_balance(settings))
    terms = terms_from(
        settings, balance_mxn=balance, fit=fit, retry_failed=retry_failed, take_over=take_over, order=order
    )
    return Job(replace(service, settings=settings), folder, whole, terms, csv, template, limit)


def find_job(csv: Sequence[str], template: str | None = None) -> Job:
    """The same for a verb that only reads: nothing is started, nobody is asked.

    Raises:
        InputError, SettingsError, RefusedError: as ``open_job``.
    """
    whole = read_prompts(csv, default_model=load_settings().default_model, skip_bad_rows=True, template=template)
    service = find_service()
    with nothing_spent():
        folder = service.open_ledger()
    return Job(service, folder, whole, terms_from(service.settings), csv, template)


def _keep_stdin(csv: Sequence[str]) -> Sequence[str]:
    folder = load_settings().data_dir / "inputs"
    try:
        csv, kept = keep_stdin(csv, folder)
    except OSError as error:
        raise RefusedError(f"{folder} cannot be written ({error.strerror}). Nothing was spent.") from None
    for path in kept:
        say(stdout_or_stderr(to_stderr=True), f"Standard input is kept as {path}: name that file to go on.")
    return csv


@contextlib.contextmanager
def nothing_spent() -> Iterator[None]:
    """Whatever goes wrong in here does so before anything was spent, and the exit code has to say so."""
    try:
        yield
    except (LedgerError, ServiceError) as error:
        raise RefusedError(f"{error}. Nothing was spent.") from error
