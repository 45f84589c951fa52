"""How numbers and amounts are written for people, and how text of others is written into Markdown."""

import re
from decimal import Decimal
from urllib.parse import quote

_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~#!&])")


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number and its noun: ``1 row``, ``2 rows``; ``plural`` where an ``s`` does not make one."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def mxn(amount: Decimal | None) -> str:
    """Return an amount with two places and thousands apart; ``?`` if it is unknown."""
    return "?" if amount is None else f"{amount:,.2f} MXN"


def plain_markdown(text: str) -> str:
    """Escape text of others for one line of Markdown: it stays text, whatever markup or address it has."""
    one_line = " ".join(text.split())
    return _MARKDOWN.sub(r"\\\1", one_line).replace("://", r":\/\/").replace("www.", r"www\.")


def markdown_target(url: str) -> str:
    """Encode an address for the round brackets of a Markdown link, which it then cannot close."""
    return quote(url, safe=":/?&=%#@+,;~$'!")
