"""`validate`, `status`, `results`: verbs that only read. They start nothing and ask nobody."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from cli.commands.options import Csv, Json, Template
from cli.screen.console import complain, console, say, say_json
from dailies.errors import RowError
from dailies.wording import count


def validate(
    csv: Csv = (),
    /,
    *,
    template: Template = None,
    as_json: Json = False,
) -> int:
    """Check prompts: each mistake with place and remedy.

    Example: dailies validate prompts.csv
    """
    from dailies.errors import InputError
    from dailies.prompts.reader import read_prompts
    from dailies.report.plan_breakdown import size_words
    from dailies.settings import load_settings

    try:
        prompts = read_prompts(csv, default_model=load_settings().default_model, template=template)
    except InputError as error:
        if as_json:
            say_json({"source": " ".join(csv), "valid": False, "mistakes": [asdict(fault) for fault in error.errors]})
        else:
            _complain_of(error.errors, "Nothing was sent.")
        return error.exit_code
    if as_json:
        say_json({"source": prompts.source, "valid": True, "rows": len(prompts.rows), "mistakes": []})
    else:
        say(console(), f"{prompts.source}: {size_words(prompts)}, no mistakes.")
    return 0


def _complain_of(errors: Sequence[RowError], closing: str) -> None:
    complain("\n".join(map(str, errors)))  # here all of them were asked for
    complain(f"{count(len(errors), 'mistake')}. {closing}")


def status(*, as_json: Json = False) -> int:
    """Show what is open, what was spent, what to do next.

    By model and by metadata, for this month; the runs at work, and those that ended early.

    Example: dailies status
    """
    from cli.screen.status import show_status, status_facts
    from cli.service import find_service

    if as_json:
        say_json(status_facts(find_service()))
    else:
        show_status(console(), find_service())
    return 0


def results(
    csv: Csv,
    /,
    *,
    template: Template = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], help="Where to write them; - is stdout.")] = None,
    form: Annotated[
        Literal["csv", "xlsx", "jsonl", "parquet"] | None,
        Parameter(name="--format", help="By default the ending of --output."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Write what became of each row, as it stands.

    The file has the columns of the sources, and beside them status, URL, reason and charge.

    Example: dailies results prompts.csv -o done.csv
    """
    from cli.invocation import find_assignment
    from cli.run_command import present_results
    from dailies.errors import RefusedError
    from dailies.report.as_json import outcome_facts
    from dailies.report.output import asked_output, is_stdout

    if as_json and is_stdout(output):
        raise RefusedError("Both --json and -o - want standard output; choose one of them")
    given = find_assignment(csv, template)
    with asked_output(output, given.whole.sources):
        code = present_results(console(to_stderr=as_json or is_stdout(output)), given, output, form)
    if as_json:
        say_json(outcome_facts(given.outcome(), str(given.place_results(output, form))))
    return code
