"""How numbers and amounts are written for people."""

from decimal import Decimal


def count(number: int, noun: str) -> str:
    """Return a number and its noun: ``1 row``, ``2 rows``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def mxn(amount: Decimal | None) -> str:
    """Return an amount with two places and thousands apart; ``?`` if it is unknown."""
    return "?" if amount is None else f"{amount:,.2f} MXN"
