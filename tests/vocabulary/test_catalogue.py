"""The catalogue equals the table on GeekHub's page "Video models"."""

from decimal import Decimal

import pytest

from dailies.catalogue import VideoModel, load_catalogue

DOCUMENTED = """
| google/veo-3.1 | Google | 0.40 | 8 | 8 | yes | 16:9 9:16 | 30 | 180 300 |
| google/veo-3 | Google | 0.20 | 8 | 8 | no | 16:9 9:16 | 20 | 120 240 |
| fal/veo-3.1 | fal.ai | 0.40 | 8 | 8 | yes | 16:9 9:16 | 30 | 180 300 |
| fal/runway-gen-4 | fal.ai | 0.05 | 5 | 10 | no | 16:9 9:16 4:3 | 10 | 30 120 |
| fal/luma-ray-2 | fal.ai | 0.20 | 5 | 9 | no | 16:9 9:16 1:1 | 10 | 60 180 |
| fal/kling-2 | fal.ai | 0.04 | 5 | 10 | no | 16:9 9:16 1:1 | 15 | 120 300 |
| fal/hailuo-02 | fal.ai | 0.04 | 6 | 10 | no | 16:9 9:16 | 15 | 120 240 |
"""


def documented() -> list[VideoModel]:
    models = []
    for line in DOCUMENTED.strip().splitlines():
        name, _, price, default, longest, audio, ratios, interval, typical = line.strip("| ").split(" | ")
        low, high = map(int, typical.split())
        provider = name.partition("/")[0]
        models.append(
            VideoModel(
                name,
                provider,
                Decimal(price),
                int(default),
                int(longest),
                audio == "yes",
                tuple(ratios.split()),
                int(interval),
                (low, high),
            )
        )
    return models


def test_the_catalogue_is_the_documentations_table():
    assert list(load_catalogue().values()) == documented()


def test_a_model_is_called_by_its_name_without_the_provider():
    assert load_catalogue()["fal/kling-2"].name == "kling-2"


def test_the_catalogue_cannot_be_changed():
    with pytest.raises(TypeError):
        load_catalogue()["fal/kling-2"] = None  # type: ignore[index]
