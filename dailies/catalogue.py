"""The models on sale: price, durations, ratios, audio, render time (GeekHub's page "Video models")."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class VideoModel:
    """One model of the catalogue.

    Attributes:
        id: the namespaced id that a request names, such as ``fal/kling-2``.
        provider: ``google`` or ``fal``.
        usd_per_second: list price in USD for each second of video, before markup and FX.
        default_duration_s: seconds when a request names none.
        max_duration_s: the longest video it makes; the shortest is one second.
        audio: whether its videos have a sound track.
        aspect_ratios: what it supports; the first is the default.
        poll_interval_s: how often the documentation advises to poll.
        typical_render_s: the usual time from submit to done, low and high end, in seconds.
    """

    id: str
    provider: str
    usd_per_second: Decimal
    default_duration_s: int
    max_duration_s: int
    audio: bool
    aspect_ratios: tuple[str, ...]
    poll_interval_s: int
    typical_render_s: tuple[int, int]

    @property
    def name(self) -> str:
        """The id without its provider, for people: ``kling-2``."""
        return self.id.partition("/")[2]


def _model(model_id: str, row: dict[str, Any]) -> VideoModel:
    low, high = row["typical_render_s"]
    return VideoModel(
        id=model_id,
        provider=row["provider"],
        usd_per_second=Decimal(row["usd_per_second"]),
        default_duration_s=row["default_duration_s"],
        max_duration_s=row["max_duration_s"],
        audio=row["audio"],
        aspect_ratios=tuple(row["aspect_ratios"]),
        poll_interval_s=row["poll_interval_s"],
        typical_render_s=(low, high),
    )


@cache
def load_catalogue() -> Mapping[str, VideoModel]:
    """Read ``catalogue.toml``: the models by id, in the documentation's order, read-only."""
    rows = tomllib.loads(files("dailies").joinpath("catalogue.toml").read_text("utf-8"))["models"]
    return MappingProxyType({model_id: _model(model_id, row) for model_id, row in rows.items()})


def provider_of(model_id: str) -> str:
    """Return the provider of a model; for one that left the catalogue, the first part of its id."""
    model = load_catalogue().get(model_id)
    return model_id.partition("/")[0] if model is None else model.provider
