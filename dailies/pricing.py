"""Money: what a video costs, what it may cost at worst, and the one place that rounds.

Charge in MXN = USD per second x seconds x markup x FX (GeekHub's page "Billing"). The FX is fixed by GeekHub
for a month; the month that counts is the one in which the job completed. Every amount has six decimal places:
charges round half up, worst cases round up, each for one job before anything is added.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, ROUND_UP, Decimal
from zoneinfo import ZoneInfo

from dailies.catalogue import VideoModel

ZERO = Decimal("0.000000")
_QUANTUM = Decimal("0.000001")
ANY_MONTH = "*"


def quantize(amount: Decimal, rounding: str = ROUND_HALF_UP) -> Decimal:
    """Round to six decimal places, half up by default."""
    return amount.quantize(_QUANTUM, rounding=rounding)


def charge_of(usd_per_second: Decimal, duration_s: int, markup: Decimal, fx: Decimal) -> tuple[Decimal, Decimal]:
    """Return what one completed job costs by its factors, in MXN and in USD."""
    usd = usd_per_second * duration_s * markup
    return quantize(usd * fx), quantize(usd)


@dataclass(frozen=True, slots=True)
class Charge:
    """What one completed job cost, in MXN and USD, with the FX behind it (MXN for one USD) and its source."""

    mxn: Decimal
    usd: Decimal
    fx_mxn_per_usd: Decimal
    fx_source: str


@dataclass(frozen=True, slots=True)
class Tariff:
    """How GeekHub turns seconds of video into pesos.

    Attributes:
        fx: MXN for one USD by month (``2026-11``); ``*`` stands for any month (the sandbox has only one rate).
        zone: the time zone in which a month begins.
        markup: the factor on the list price.
        fx_ceiling: the least FX of a worst case, for months whose rate is not known yet.
        fx_source: where the rates come from, for the ledger.
    """

    fx: Mapping[str, Decimal]
    zone: ZoneInfo
    markup: Decimal
    fx_ceiling: Decimal | None = None
    fx_source: str = "settings"

    def month(self, instant: datetime) -> str:
        """Return the month of an instant, as ``2026-11``, in the tariff's time zone."""
        return f"{instant.astimezone(self.zone):%Y-%m}"

    def month_bounds(self, instant: datetime) -> tuple[datetime, datetime]:
        """Return when the month of an instant begins and when the next one does, UTC."""
        local = instant.astimezone(self.zone)
        first = datetime(local.year, local.month, 1, tzinfo=self.zone)
        following = datetime(local.year + local.month // 12, local.month % 12 + 1, 1, tzinfo=self.zone)
        return first.astimezone(UTC), following.astimezone(UTC)

    def fx_at(self, instant: datetime) -> Decimal | None:
        """Return MXN for one USD at an instant; None if the table has no rate for its month."""
        return self.fx.get(self.month(instant), self.fx.get(ANY_MONTH))

    def charge(
        self, usd_per_second: Decimal, duration_s: int, markup: Decimal, completed_at: datetime
    ) -> Charge | None:
        """Return the charge of a job that completed at an instant; None while the FX of that month is unknown."""
        fx = self.fx_at(completed_at)
        if fx is None:
            return None
        mxn, usd = charge_of(usd_per_second, duration_s, markup, fx)
        return Charge(mxn, usd, fx, self.fx_source)

    def worst_mxn(
        self, models: Iterable[VideoModel], duration_s: int, now: datetime, since: datetime | None = None
    ) -> Decimal | None:
        """Return the most that one video may cost, whichever of the models makes it; None without an FX.

        A failed job is never charged, and a row ends with its first completed one, so further attempts add nothing.
        ``since`` as in ``worst_fx``.
        """
        fx = self.worst_fx(now, since)
        return None if fx is None else quantize(self._dearest_usd(models, duration_s) * fx, ROUND_UP)

    def worst_usd(self, models: Iterable[VideoModel], duration_s: int) -> Decimal:
        """Return the same worst case in USD, before the FX."""
        return quantize(self._dearest_usd(models, duration_s), ROUND_UP)

    def _dearest_usd(self, models: Iterable[VideoModel], duration_s: int) -> Decimal:
        return max(model.usd_per_second for model in models) * duration_s * self.markup

    def worst_fx(self, now: datetime, since: datetime | None = None) -> Decimal | None:
        """Return the dearest FX at which a job may be charged; None if this month's is unknown.

        ``since`` is when the request was sent, if it was: its charge may have been taken at any time from then on. A
        job may complete in any month from the first one on; ``*`` may be the rate of one.
        """
        known = self.fx_at(now)
        if known is None:
            return None
        first = self.month(min(now, since or now))
        rates = [rate for month, rate in self.fx.items() if month >= first or month == ANY_MONTH]
        return max(known, *rates, self.fx_ceiling or known)
