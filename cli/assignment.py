"""What one command is about: which prompts, for which service, on which terms."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cli.known_service import Service
from dailies.ledger.folder import LedgerFolder
from dailies.planning.claim import read_plan
from dailies.planning.outcome import Outcome, read_outcome
from dailies.planning.plan import Plan
from dailies.planning.terms import Terms
from dailies.prompts.reader import PromptFile
from dailies.prompts.sources.stdin import is_passing
from dailies.report.table_formats import ResultsFormat

_NAMED = 10


def command_to_run(csv: Sequence[str], **options: object) -> str:
    """The command that runs some sources with these options, as somebody has to type it; those not given are left out.

    What can be read only once has to become a file first, and very many names say nothing to anybody.
    """
    if len(csv) > _NAMED:
        return "dailies run with the same files and options."
    passing = any(map(is_passing, csv))
    words = ["dailies", "run", *("prompts.csv" if is_passing(name) else name for name in csv)]
    for name, value in options.items():
        if value is not None and value is not False:
            words += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return f"{'keep the prompts as a file, then: ' if passing else ''}{shlex.join(words)}"


@dataclass(frozen=True, slots=True)
class Assignment:
    """Prompts at the command line; `plan`, `run` and `results` have it in common.

    Attributes:
        service: where the prompts go.
        folder: that service's ledger.
        whole: what is in the sources.
        terms: on what terms the rows are claimed.
        csv: where the sources are: paths, URLs, patterns.
        again: how to run them, or to go on with them, in words.
        template: the prompt of rows without one.
        limit: how many of the first rows count, None for all.
    """

    service: Service
    folder: LedgerFolder
    whole: PromptFile
    terms: Terms
    csv: Sequence[str]
    again: str
    template: str | None = None
    limit: int | None = None

    @property
    def prompts(self) -> PromptFile:
        """The rows that count."""
        return self.whole.first(self.limit)

    @property
    def results_path(self) -> Path:
        """Where the results go unless another place is named."""
        return self.service.settings.results_path(*self.whole.sources)

    def place_results(self, output: Path | None, form: ResultsFormat | None) -> Path:
        """Where the results go if they are asked for in that place and that format."""
        return output or (self.results_path.with_suffix(f".{form}") if form else self.results_path)

    def plan(self) -> Plan:
        """What is left to do, as things stand."""
        return read_plan(self.folder, self.prompts, self.terms, datetime.now(UTC))

    def outcome(self) -> Outcome:
        """How the rows that count stand now."""
        return self.whole_outcome().first(self.limit)

    def whole_outcome(self) -> Outcome:
        """How all rows of the sources stand now."""
        return read_outcome(self.folder, self.whole, self.terms.policy)
