"""One CSV at the command line: what `plan`, `run` and `results` have in common."""

import asyncio
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.prompt import Confirm

from dailies.claim import claim_rows, read_plan
from dailies.errors import RefusedError
from dailies.folder import LedgerFolder
from dailies.plan import Plan
from dailies.prompts import PromptFile, read_prompts
from dailies.report.outcome import Outcome, read_outcome
from dailies.report.results import write_results
from dailies.settings import load_settings
from dailies.terms import Terms, ask_balance, terms_from
from flows.display import mxn, show_outcome, show_plan
from flows.environment import Service, open_service


class Job:
    """A CSV, the service it is meant for, and the terms of this command."""

    def __init__(self, service: Service, folder: LedgerFolder, prompts: PromptFile, terms: Terms, csv: Path) -> None:
        self.service = service
        self.folder = folder
        self.prompts = prompts
        self.terms = terms
        self._csv = csv

    def show_plan(self, console: Console) -> Plan:
        """Show where the command is going, and what is left to do."""
        if self.service.sandbox is not None:
            console.print(
                f"No GEEKHUB_API_KEY, so this is the sandbox at {self.service.sandbox.root_url}: no money is spent.",
                style="cyan",
            )
        plan = read_plan(self.folder, self.prompts, self.terms, datetime.now(UTC))
        show_plan(console, plan)
        return plan

    def run(self, console: Console, *, yes: bool) -> int:
        """Show the plan, ask where money is real, run the flow, show what became of it."""
        from flows.running import await_server, begin_server, prepare_prefect, run_generate

        settings = self.service.settings
        plan = self.show_plan(console)
        if not plan.todo:
            claim_rows(self.folder, self.prompts, self.terms, datetime.now(UTC))  # folds what dead runs left
            return self.write_results(console, None)
        self._ask(console, plan, yes=yes)
        prepare_prefect(settings)
        server = begin_server()
        await_server(server, console, settings)
        console.print(f"Watch it in Prefect: {server.ui_url}")
        run_generate(
            console,
            self._csv,
            max_cost_mxn=settings.max_cost_mxn,
            max_month_mxn=settings.max_month_mxn,
            fit=self.terms.caps.fit,
            skip_bad_rows=bool(self.prompts.rejected),
            retry_failed=self.terms.policy.retry_failed,
            approved_mxn=plan.worst_mxn,
            take_over=sorted(self.terms.take_over),
        )
        return self.write_results(console, None)

    def _ask(self, console: Console, plan: Plan, *, yes: bool) -> None:
        if yes or not self.service.is_real_money:
            return
        if not sys.stdin.isatty():
            raise RefusedError("This would spend real money and nobody can be asked; say --yes to run it in a script.")
        if not Confirm.ask(f"Spend up to {mxn(plan.worst_mxn)}?", console=console, default=False):
            raise RefusedError("Nothing was spent.")

    def outcome(self) -> Outcome:
        """How the file stands now."""
        return read_outcome(self.folder, self.prompts, self.terms.tariff, self.terms.policy, datetime.now(UTC))

    def write_results(self, console: Console, output: Path | None) -> int:
        """Write and show how the file stands; returns the exit code that says it."""
        outcome = self.outcome()
        path = output or self.service.settings.results_path(self.prompts.source)
        write_results(path, outcome)
        show_outcome(console, outcome, str(path))
        return outcome.exit_code


def open_job(
    csv: Path,
    max_cost_mxn: Decimal | None = None,
    max_month_mxn: Decimal | None = None,
    *,
    fit: bool = False,
    skip_bad_rows: bool = False,
    retry_failed: bool = False,
    take_over: Iterable[str] = (),
    offline: bool = False,
) -> Job:
    """Read the CSV, then find the service and its ledger; ``offline`` asks nobody for the balance.

    Raises:
        InputError: the CSV cannot be used; nothing else was touched.
        SettingsError, LedgerError, RefusedError: the environment cannot be used.
    """
    prompts = read_prompts(csv, default_model=load_settings().default_model, skip_bad_rows=skip_bad_rows)
    service = open_service()
    caps = {"max_cost_mxn": max_cost_mxn, "max_month_mxn": max_month_mxn}
    settings = load_settings(**caps)
    folder = service.open_ledger()
    balance = None if offline else asyncio.run(ask_balance(settings))
    terms = terms_from(settings, balance_mxn=balance, fit=fit, retry_failed=retry_failed, take_over=take_over)
    return Job(Service(settings, service.sandbox), folder, prompts, terms, csv)
