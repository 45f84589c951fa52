"""`doctor`: is everything in place?"""

from cli.commands.options import Json
from cli.screen.console import console, say_json


def doctor(*, as_json: Json = False) -> int:
    """Check whether everything is in place for a run.

    Key, service, balance, clock, FX, ledger, disk and Prefect server, each with its remedy.

    Example: dailies doctor
    """
    from cli.doctor import find_all, findings_facts, show_findings
    from cli.doctor_checks import Verdict

    findings = find_all()
    if as_json:
        say_json(findings_facts(findings))
    else:
        show_findings(console(), findings)
    return 2 if any(finding.verdict is Verdict.BAD for finding in findings) else 0
