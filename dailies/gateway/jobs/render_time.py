"""How long a model renders: lognormal, repeatable for each job."""

import math
import random

from dailies.catalogue import VideoModel

QUANTILE_95 = 1.6448536269514722  # of the standard normal distribution


def draw_render_us(model: VideoModel, seed: int, subject: str, speed: float) -> int:
    """Draw the microseconds from hand-over until the video is done.

    Before ``speed`` divides it, the time is lognormal; its 5 % and 95 % quantiles are the model's typical low
    and high end (GeekHub's page "Video models"), and it is cut at half the one and twice the other.

    Args:
        model: gives the typical range.
        seed: the sandbox's.
        subject: what names the job; the same one always renders for the same time.
        speed: how many times faster than real.
    """
    low_s, high_s = model.typical_render_s
    middle = (math.log(low_s) + math.log(high_s)) / 2
    spread = (math.log(high_s) - math.log(low_s)) / 2 / QUANTILE_95
    drawn_s = random.Random(f"{seed}/{subject}").lognormvariate(middle, spread)  # noqa: S311 - no secret
    return round(min(max(drawn_s, low_s / 2), high_s * 2) / speed * 1_000_000)
