"""The two consoles: what was asked for goes to standard output, complaints to standard error."""

from rich.console import Console


def console() -> Console:
    """Standard output."""
    return Console(highlight=False)


def complain(message: str) -> None:
    """One message on standard error."""
    Console(stderr=True, highlight=False).print(message, style="red", soft_wrap=True, markup=False)
