"""What was on offer when an entry was made: its model as the catalogue has it, or as the entry itself remembers it."""

from dailies.catalogue import VideoModel, load_catalogue, provider_of
from dailies.ledger.entry import LedgerEntry
from dailies.pricing import ZERO

_POLL_INTERVAL_S = 30
_TYPICAL_RENDER_S = (60, 300)


def ordered_model(entry: LedgerEntry) -> VideoModel:
    """An entry's model. One that was withdrawn since has the entry's own facts and the usual render times.

    Nothing can be ordered of such a model any more, but its open jobs are collected as any other's.
    """
    model_id = entry.model or ""
    return load_catalogue().get(model_id) or VideoModel(
        id=model_id,
        provider=entry.provider or provider_of(model_id),
        usd_per_second=entry.usd_per_second or ZERO,
        default_duration_s=entry.duration_s or 0,
        max_duration_s=entry.duration_s or 0,
        audio=bool(entry.audio),
        aspect_ratios=(entry.aspect_ratio or "",),
        poll_interval_s=_POLL_INTERVAL_S,
        typical_render_s=_TYPICAL_RENDER_S,
    )
