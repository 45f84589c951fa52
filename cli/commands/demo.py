"""`demo`: the sample on the sandbox."""

from typing import Annotated

from cyclopts import Parameter

from cli.screen.console import console


def demo(
    *, fresh: Annotated[bool, Parameter(help="First move the earlier sandbox and its ledger aside.")] = False
) -> int:
    """Run data/prompts/sample.csv on the sandbox, from the plan to the account.

    Example: dailies demo --fresh
    """
    from cli.demo import run_demo

    return run_demo(console(), fresh=fresh)
