"""`failed`: the rows that failed, as a CSV to edit."""

import shlex
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cli.commands.options import Csv, Reading
from cli.screen.console import complain, console, say
from dailies.prompts.options import AS_WRITTEN
from dailies.wording import count


def failed(
    csv: Csv,
    /,
    *,
    reading: Reading = AS_WRITTEN,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="Where to write them; - is stdout.")],
) -> int:
    """Write the rows that failed as a CSV to edit.

    Example: dailies failed prompts.csv -o again.csv

    It is valid input, with the reason in meta.reason. A changed row is a new request; an unchanged row needs
    --retry-failed.
    """
    from cli.invocation import find_invocation
    from dailies.report.failed_rows import write_failed
    from dailies.report.output import asked_output, is_stdout

    outcome = find_invocation(csv, reading).outcome()
    with asked_output(output, outcome.prompts.sources):
        written = write_failed(output, outcome)
    screen, place = console(to_stderr=is_stdout(output)), shlex.quote(str(output))
    if not written:
        say(screen, f"No row of {' '.join(csv)} has failed; nothing was written.")
    elif is_stdout(output):
        say(screen, f"{count(written, 'failed row')}.")
    else:
        say(screen, f"{count(written, 'failed row')}: {output}. Change the prompts, then: dailies run {place}")
        say(screen, f"To try the same requests again: dailies run {place} --retry-failed")
    if rejected := outcome.prompts.rejected:
        complain(f"Left out: {count(len(rejected), 'row')} that cannot be read (dailies validate {' '.join(csv)}).")
    return 0
