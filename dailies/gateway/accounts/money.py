"""Money in whole micro-pesos (MXN x 10^6), so that no sum ever rounds."""

from decimal import Decimal

MICROS = 1_000_000
MARKUP_PERCENT = 105  # GeekHub's page "Billing": markup 1.05


def to_micros(amount: Decimal) -> int:
    """Turn an amount into micros.

    Raises:
        ValueError: the amount is not finite or has more than six decimal places.
    """
    if not amount.is_finite():
        raise ValueError("must be a finite number")
    scaled = amount * MICROS
    if scaled != scaled.to_integral_value():
        raise ValueError("must have at most six decimal places")
    return int(scaled)


def to_text(micros: int) -> str:
    """Write micros as a decimal string with two to six places: ``4.20``, ``0.000001``."""
    sign = "-" if micros < 0 else ""
    whole, fraction = divmod(abs(micros), MICROS)
    places = f"{fraction:06d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole}.{places}"


def charge_micros(usd_per_second: Decimal, duration_s: int, fx_micros: int) -> int:
    """Price one video: USD per second x seconds x 1.05 x FX, half up to six places, rounded once.

    The rule is GeekHub's page "Billing"; ``fx_micros`` is MXN per USD x 10^6.
    """
    numerator = to_micros(usd_per_second) * duration_s * MARKUP_PERCENT * fx_micros
    denominator = 100 * MICROS
    return (2 * numerator + denominator) // (2 * denominator)
