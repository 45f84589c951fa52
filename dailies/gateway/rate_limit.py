"""The announced 429: a token bucket for each organisation's submits."""

import math

from dailies.gateway.errors import ApiError


class RateLimit:
    """Allows a number of requests a second, and a number at once.

    Args:
        requests_per_second: how fast tokens return; None for no limit.
        burst: the most tokens.
        retry_after_s: what ``Retry-After`` says; None: the whole seconds until the next token.
    """

    def __init__(self, requests_per_second: float | None, burst: int, retry_after_s: int | None = None) -> None:
        self._rate = requests_per_second
        self._burst = burst
        self._retry_after_s = retry_after_s
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, org_id: str, now_s: float) -> None:
        """Take one token of an organisation.

        Args:
            org_id: the organisation.
            now_s: seconds of a clock; only differences count.

        Raises:
            ApiError: ``rate_limit_exceeded``, with ``Retry-After`` in whole real seconds.
        """
        if self._rate is None:
            return
        tokens, then_s = self._buckets.get(org_id, (float(self._burst), now_s))
        tokens = min(tokens + (now_s - then_s) * self._rate, float(self._burst))
        if tokens < 1:
            self._buckets[org_id] = (tokens, now_s)
            wait_s = self._retry_after_s or math.ceil((1 - tokens) / self._rate)
            message = f"Too many requests; retry after {wait_s} s."
            raise ApiError("rate_limit_exceeded", message, {"Retry-After": str(wait_s)})
        self._buckets[org_id] = (tokens - 1, now_s)
