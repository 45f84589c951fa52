"""The model that an entry ordered, as the catalogue has it or as the entry itself records it."""

from dailies.catalogue import VideoModel, load_catalogue, provider_of
from dailies.ledger.entry import LedgerEntry
from dailies.pricing import ZERO

_POLL_INTERVAL_S = 30
_TYPICAL_RENDER_S = (60, 300)


def ordered_model(entry: LedgerEntry) -> VideoModel:
    """Return an entry's model; one that was withdrawn since gets the entry's own facts and usual render times.

    A withdrawn model cannot be ordered any more, but its open jobs are collected like all others.
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
