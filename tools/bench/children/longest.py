"""``python -m tools.bench.children.longest prompts.csv``: a run without Prefect, slow models first."""

import asyncio
import sys
from datetime import UTC, datetime

from dailies.ledger.folder import LedgerFolder
from dailies.planning.claim import claim_rows
from dailies.planning.options import RunOptions
from dailies.planning.terms import terms_from
from dailies.prompts.reader import read_prompts
from dailies.run.run_rows import run_claim
from dailies.settings import load_settings


async def main(csv: str) -> None:
    """Claim, run, fold."""
    settings = load_settings()
    folder = LedgerFolder.open(settings.ledger_path, settings.service)
    claim = claim_rows(folder, read_prompts(csv), terms_from(settings, RunOptions(order="longest")), datetime.now(UTC))
    await run_claim(settings, folder, claim, "bench")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
