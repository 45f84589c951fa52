"""Reads past render times from the ledger: the jobs of the last thirty days, as their polls saw them."""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from dailies.catalogue import load_catalogue
from dailies.ledger.entry import EntryStatus
from dailies.ledger.folder import LedgerFolder
from dailies.pacing.forecast import Past
from dailies.pacing.render_estimates import Sighting

_DAYS = 30
_COLUMNS = ("model", "duration_s", "status", "submitted_at", "waited_s", "not_done_at_s")
_ENDED = (EntryStatus.COMPLETED.value, EntryStatus.FAILED.value)


def read_past(folder: LedgerFolder, model_ids: Iterable[str], now: datetime) -> list[Past]:
    """Return the jobs of these models that ended within thirty days, oldest first; a failed job was never seen done.

    Raises:
        LedgerError: a file cannot be read.
    """
    recent = pc.field("submitted_at") >= pa.scalar(now - timedelta(days=_DAYS), pa.timestamp("us", tz="UTC"))
    mine = pc.field("model").isin(pa.array(sorted(set(model_ids)), pa.string()))
    known = recent & mine & pc.field("status").isin(pa.array(_ENDED)) & pc.field("waited_s").is_valid()
    table = folder.scan(_COLUMNS, known).sort_by("submitted_at")
    models = load_catalogue()
    return [
        Past(models[model], duration_s, _sighting(status, waited_s, not_done_at_s))
        for model, duration_s, status, _, waited_s, not_done_at_s in zip(
            *(table.column(name).to_pylist() for name in _COLUMNS), strict=True
        )
        if model in models
    ]


def _sighting(status: str, waited_s: float, not_done_at_s: float | None) -> Sighting:
    return Sighting(not_done_at_s or 0.0, waited_s if status == EntryStatus.COMPLETED else math.inf)
