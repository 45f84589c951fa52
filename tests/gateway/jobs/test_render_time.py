"""Render times: lognormal between the model's typical ends, cut, divided by the speed."""

import pytest

from dailies.catalogue import load_catalogue
from dailies.gateway.jobs.render_time import draw_render_us

SECOND = 1_000_000


@pytest.mark.parametrize("model", load_catalogue().values(), ids=lambda model: model.id)
def test_five_percent_lie_beyond_each_typical_end(model):
    low_s, high_s = model.typical_render_s
    drawn = sorted(draw_render_us(model, 7, str(job), 1) / SECOND for job in range(4_000))
    assert drawn[200] == pytest.approx(low_s, rel=0.05)
    assert drawn[-200] == pytest.approx(high_s, rel=0.05)
    assert low_s / 2 <= drawn[0]
    assert drawn[-1] <= high_s * 2


def test_speed_divides_it():
    model = load_catalogue()["fal/kling-2"]
    slow, quick = draw_render_us(model, 0, "x", 1), draw_render_us(model, 0, "x", 60)
    assert quick == pytest.approx(slow / 60, abs=1)
