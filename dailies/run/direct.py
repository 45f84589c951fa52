"""A run without Prefect: the same claim, shooting and folding, for scripts of one's own, benchmarks and crash tests.

``python -m dailies.run.direct prompts.csv`` makes the videos of a CSV with the settings of the environment. There is no
UI, no schedule and no retry of the run as a whole; every promise about rows, jobs and money is the same.
"""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from dailies.errors import DailiesError, LedgerError
from dailies.ledger.folder import open_ledger
from dailies.ledger.journal_fold import fold_batch
from dailies.ledger.journal_writer import Journal
from dailies.ledger.manifest import Manifest
from dailies.planning.claim import claim_rows
from dailies.planning.options import RunOptions
from dailies.planning.outcome import Outcome, read_outcome
from dailies.planning.terms import ask_balance, terms_from
from dailies.prompts.reader import read_prompts
from dailies.run.attempt import PLAIN_STEPS, Steps, shoot_rows
from dailies.run.context import Claimed, Production, open_claim
from dailies.run.stop import Stop
from dailies.settings import Settings, load_settings

_WHO = "direct"


async def run_directly(
    settings: Settings, csv: Path, *, fit: bool = False, retry_failed: bool = False, stop: Stop | None = None
) -> Outcome:
    """Make the videos of a CSV in this process; how the file stands afterwards.

    Args:
        settings: which account, which ledger, which caps.
        csv: the file of prompts.
        fit: take rows in order until a cap is reached.
        retry_failed: give rows that ended as failed a new round.
        stop: the flag that ends the run; it tells afterwards what did.

    Raises:
        InputError, SettingsError, RefusedError: nothing was spent.
        LedgerError: the ledger cannot be used.
        ExceptionGroup: defects, after every row has come to its end.
    """
    prompts = read_prompts(csv, default_model=settings.default_model)
    folder = open_ledger(settings)
    balance = await ask_balance(settings, folder)
    terms = terms_from(settings, RunOptions(fit=fit, retry_failed=retry_failed), balance=balance)
    claim = await asyncio.to_thread(claim_rows, folder, prompts, terms, datetime.now(UTC), _WHO)
    production = open_claim(settings, folder, claim, in_prefect=False)
    production.stop = stop or production.stop
    await shoot_claim(production, claim)
    return read_outcome(folder, prompts, terms.policy)


async def shoot_claim(production: Production, claim: Claimed, steps: Steps = PLAIN_STEPS) -> None:
    """Shoot every batch of a claim, then fold what became of them.

    Raises:
        LedgerError: a batch could not be folded; its journal keeps everything.
        ExceptionGroup: defects, after every row has come to its end.
    """
    try:
        async with production.client:
            await _shoot_batches(production, claim.batches, steps)
    finally:
        claim.release()
        for manifest in claim.batches:
            fold_batch(production.folder, manifest.batch_id, _WHO)


async def _shoot_batches(production: Production, batches: Sequence[Manifest], steps: Steps) -> None:
    """One batch submits at a time; those before it may still be polling."""
    children: list[asyncio.Task[None]] = []
    try:
        for manifest in batches:
            if not production.stop.may_poll:
                break
            children.append(asyncio.create_task(shoot_batch(production, manifest.batch_id, steps)))
            await production.handed_over[manifest.batch_id].wait()
    except asyncio.CancelledError:
        for child in children:
            child.cancel()
        raise
    finally:
        outcomes = await asyncio.gather(*children, return_exceptions=True)
    defects = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    if defects:
        raise ExceptionGroup("batches ended by a defect", defects)


async def shoot_batch(production: Production, batch_id: str, steps: Steps) -> None:
    """Own one batch and shoot its rows; a journal that cannot be had or written stops the whole run.

    Raises:
        ExceptionGroup: defects, after every row has come to its end.
    """
    handed_over = production.handed_over[batch_id]
    try:
        journal = Journal.own(production.folder.journals / batch_id, _WHO)
        try:
            await shoot_rows(production, journal, journal.manifest.rows, steps, handed_over)
        finally:
            journal.close()
    except LedgerError as error:
        production.stop.everything(error)
    finally:
        handed_over.set()


def main() -> int:
    """The command line; the exit codes are those of ``dailies run``."""
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
