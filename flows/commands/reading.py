"""`validate`, `status`, `results`: verbs that only read. They start nothing and ask nobody."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flows.commands.options import Csv, Json
from flows.console import complain, console, count, say, say_json


def validate(csv: Csv, /, *, as_json: Json = False) -> int:
    """Check a CSV: every mistake with its place and remedy.

    Example: dailies validate prompts.csv
    """
    from dailies.errors import InputError
    from dailies.prompts import read_prompts
    from dailies.settings import load_settings

    try:
        prompts = read_prompts(csv, default_model=load_settings().default_model)
    except InputError as error:
        if as_json:
            say_json({"source": csv.as_posix(), "valid": False, "mistakes": [asdict(fault) for fault in error.errors]})
            return error.exit_code
        complain("\n".join(map(str, error.errors)))  # here all of them were asked for
        complain(f"{count(len(error.errors), 'mistake')}. Nothing was sent.")
        return error.exit_code
    if as_json:
        say_json({"source": prompts.source, "valid": True, "rows": len(prompts.rows), "mistakes": []})
    else:
        say(console(), f"{prompts.source}: {count(len(prompts.rows), 'row')}, no mistakes.")
    return 0


def status(*, as_json: Json = False) -> int:
    """Show what is open, what was spent, what to do next.

    By model and by metadata, for this month; the runs at work, and those that ended early.

    Example: dailies status
    """
    from flows.status import show_status, status_facts

    if as_json:
        say_json(status_facts())
    else:
        show_status(console())
    return 0


def results(
    csv: Csv,
    /,
    *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], help="Where to write them.")] = None,
    as_json: Json = False,
) -> int:
    """Write what became of each row of a CSV, as it stands.

    The file has the columns of the CSV, and beside them status, URL, reason and charge.

    Example: dailies results prompts.csv -o done.csv
    """
    from dailies.report.facts import outcome_facts
    from flows.job import find_job

    job = find_job(csv)
    code = job.write_results(console(to_stderr=as_json), output)
    if as_json:
        say_json(outcome_facts(job.outcome(), str(output or job.results_path)))
    return code
