"""A run without Prefect: the same claim, rows and fold, for benchmarks and crash tests.

``python -m tools.run_directly prompts.csv`` makes the videos of a CSV with the settings of the environment. There is no
UI and no schedule; every promise about rows, jobs and money is the same.
"""

import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from dailies.errors import DailiesError
from dailies.ledger.folder import open_ledger
from dailies.planning.claim import claim_rows
from dailies.planning.options import RunOptions
from dailies.planning.outcome import Outcome, read_outcome
from dailies.planning.terms import ask_balance, terms_from
from dailies.run.run_rows import run_claim
from dailies.run.stop import Stop
from dailies.settings import Settings, load_settings

_WHO = "direct"


async def run_directly(
    settings: Settings, csv: Path, options: RunOptions | None = None, *, stop: Stop | None = None
) -> Outcome:
    """Make the videos of a CSV in this process; return how the file stands afterwards.

    Raises:
        InputError, SettingsError, RefusedError: nothing was spent.
        LedgerError: the ledger cannot be used.
        ExceptionGroup: defects, after every row has ended.
    """
    options = replace(options or RunOptions(), sources=(str(csv),))
    prompts = options.read(settings)
    folder = open_ledger(settings)
    terms = terms_from(settings, options, balance=await ask_balance(settings, folder))
    claim = await asyncio.to_thread(claim_rows, folder, prompts, terms, datetime.now(UTC), _WHO)
    await run_claim(settings, folder, claim, _WHO, stop=stop)
    return read_outcome(folder, prompts, terms.policy)


def main() -> int:
    """Run the CSV that the command line names; the exit codes are those of ``dailies run``."""
    stop = Stop()
    try:
        outcome = asyncio.run(run_directly(load_settings(), Path(sys.argv[1]), stop=stop))
    except DailiesError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    if stop.reason is not None:
        remedy = getattr(stop.reason, "remedy", "")
        sys.stderr.write(f"Stopped: {stop.reason}. {remedy}\n")
    sys.stdout.write(f"{dict(outcome.statuses)} {outcome.charged_mxn} MXN\n")
    return outcome.exit_code


if __name__ == "__main__":
    sys.exit(main())
