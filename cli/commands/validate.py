"""`validate`: check prompts; send nothing."""

from dataclasses import asdict, replace

from cli.commands.options import Csv, Json, ShownReading
from cli.screen.console import complain, console, say, say_json
from dailies.prompts.options import AS_WRITTEN
from dailies.wording import count


def validate(csv: Csv, /, *, reading: ShownReading = AS_WRITTEN, as_json: Json = False) -> int:
    """Check prompts: each mistake with place and remedy.

    Example: dailies validate prompts.csv
    """
    from cli.invocation import read_sources
    from dailies.errors import InputError
    from dailies.planning.options import RunOptions
    from dailies.report.plan_breakdown import size_words

    options = RunOptions(sources=csv, reading=replace(reading, skip_bad_rows=False))
    try:
        prompts = read_sources(options, as_json=as_json)
    except InputError as error:
        if as_json:
            mistakes = [asdict(fault) for fault in error.errors]
            say_json({"source": " ".join(csv), "valid": False, "mistakes": mistakes, "command": error.command or None})
        elif error.command:  # the message ends with the command that reads the file
            complain(str(error))
        else:
            complain(f"{error}\n{count(len(error.errors), 'mistake')}. Nothing was sent.")
        return error.exit_code
    if as_json:
        rows = len(prompts.rows)
        say_json({"source": prompts.source, "valid": True, "rows": rows, "mistakes": [], "notes": prompts.notes})
    else:
        say(console(), f"{prompts.source}: {size_words(prompts)}, no mistakes.")
    return 0
