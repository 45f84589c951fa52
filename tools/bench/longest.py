"""``python -m tests.bench.longest prompts.csv``: a run without Prefect, slow models first."""

import asyncio
import sys
from datetime import UTC, datetime

from dailies.claim import claim_rows
from dailies.direct import shoot_claim
from dailies.folder import LedgerFolder
from dailies.production import open_production
from dailies.prompts import read_prompts
from dailies.settings import load_settings
from dailies.terms import terms_from


async def main(csv: str) -> None:
    """Claim, shoot, fold."""
    settings = load_settings()
    folder = LedgerFolder.open(settings.ledger_path, settings.service)
    claim = claim_rows(folder, read_prompts(csv), terms_from(settings, order="longest"), datetime.now(UTC))
    await shoot_claim(open_production(settings, folder, claim.batches, in_prefect=False), claim)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
