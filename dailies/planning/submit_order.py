"""In which order rows are submitted. Pure."""

import math
from collections.abc import Sequence
from typing import Literal

from dailies.ledger.entry import LedgerEntry
from dailies.ledger.manifest import ClaimedRow
from dailies.ledger.ordered_model import ordered_model

Order = Literal["file", "longest"]
"""As the file says; or the rows of slow models first, since the slowest job that comes last decides when a run ends
(longest processing time first: Graham, SIAM J. Appl. Math. 17, 1969)."""


def in_order(rows: Sequence[ClaimedRow], order: Order) -> tuple[ClaimedRow, ...]:
    """Return the rows in the order of their submission; equals stay in the file's order."""
    if order == "file":
        return tuple(rows)
    return tuple(sorted(rows, key=lambda row: _usual_s(row.entry), reverse=True))


def _usual_s(entry: LedgerEntry) -> float:
    low_s, high_s = ordered_model(entry).typical_render_s
    return math.sqrt(low_s * high_s)
