"""`settle`: collect what is open; compare ledger and account."""

import asyncio
from decimal import Decimal
from typing import Annotated

from cyclopts import Parameter

from cli.commands.options import Json
from cli.screen.console import console, say_json


def settle(
    *,
    credited_mxn: Annotated[
        Decimal | None, Parameter(help="Payments into the account since the last settlement, in MXN.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Collect what is open; compare ledger and account.

    Example: dailies settle

    It orders nothing. It recovers interrupted runs and polls each open job once.

    Exit codes: 0 settled, 1 an unexplained difference, 3 something is still open or a run is in progress.
    """
    from cli.screen.settlement import show_settlement
    from cli.service import open_service
    from dailies.reconcile.settle import settle_ledger
    from dailies.reconcile.wording import settlement_facts

    service = open_service()
    folder = service.open_ledger()
    settlement = asyncio.run(settle_ledger(service.settings, folder, "dailies settle", credited_mxn=credited_mxn))
    if as_json:
        say_json(settlement_facts(settlement))
    else:
        show_settlement(console(), settlement)
    return settlement.exit_code
