"""`results`: every row and its present state, as a file."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from cli.commands.options import Csv, Json, Reading
from cli.screen.console import console, say_json
from dailies.prompts.options import AS_WRITTEN


def results(
    csv: Csv,
    /,
    *,
    reading: Reading = AS_WRITTEN,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], help="Where to write them; - is stdout.")] = None,
    form: Annotated[
        Literal["csv", "xlsx", "jsonl", "parquet"] | None,
        Parameter(name="--format", help="By default the ending of --output."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Write each row with its present state.

    The file has the columns of the sources, then status, URL, reason and charge.

    Example: dailies results prompts.csv -o done.csv
    """
    from cli.invocation import find_invocation
    from cli.screen.closing import present_results
    from dailies.errors import RefusedError
    from dailies.report.as_json import outcome_facts
    from dailies.report.output import asked_output, is_stdout
    from dailies.report.results import record_owner

    if as_json and is_stdout(output):
        raise RefusedError("Both --json and -o - write to standard output; choose one of them")
    invocation = find_invocation(csv, reading)
    whole, path = invocation.whole_outcome(), invocation.place_results(output, form)
    bom = invocation.service.settings.csv_bom
    screen = console(to_stderr=as_json or is_stdout(output))
    with asked_output(output, invocation.whole.sources):
        code = present_results(screen, whole, path, invocation.next_command, form=form, bom=bom)
        if path == invocation.results_path:
            record_owner(invocation.service.settings, path, invocation.whole.sources)
    if as_json:
        say_json(outcome_facts(whole, str(path)))
    return code
