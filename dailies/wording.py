"""How numbers and amounts are written for people."""

from decimal import Decimal


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number and its noun: ``1 row``, ``2 rows``; ``plural`` where an ``s`` does not make one."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def mxn(amount: Decimal | None) -> str:
    """Return an amount with two places and thousands apart; ``?`` if it is unknown."""
    return "?" if amount is None else f"{amount:,.2f} MXN"
