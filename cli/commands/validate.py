"""`validate`: check prompts; send nothing."""

from dataclasses import asdict

from cli.commands.options import Csv, Json, Template
from cli.screen.console import complain, console, say, say_json
from dailies.wording import count


def validate(csv: Csv, /, *, template: Template = None, as_json: Json = False) -> int:
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
            complain("\n".join(map(str, error.errors)))  # all of them, where other verbs show the first few
            complain(f"{count(len(error.errors), 'mistake')}. Nothing was sent.")
        return error.exit_code
    if as_json:
        say_json({"source": prompts.source, "valid": True, "rows": len(prompts.rows), "mistakes": []})
    else:
        say(console(), f"{prompts.source}: {size_words(prompts)}, no mistakes.")
    return 0
