"""Whether the Prefect server still answers while a run needs it: short absences are waited out, a long one ends it."""

import asyncio
import time
from collections.abc import Awaitable, Callable

PATIENCE_S = 40.0
_EVERY_S = 2.0
_NOTABLE_S = 5.0

Answers = Callable[[], Awaitable[bool]]


async def until_lost(
    answers: Answers,
    tell: Callable[[str], None],
    *,
    patience_s: float = PATIENCE_S,
    every_s: float = _EVERY_S,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Return when the server has not answered for ``patience_s`` seconds; until then tell when it goes and comes.

    Args:
        answers: asks it once.
        tell: says a line to a person.
        patience_s: how long a restart may take.
        every_s: seconds between two questions.
        clock: seconds, monotonic.
    """
    seen_at, told = clock(), False
    while clock() - seen_at < patience_s:
        await asyncio.sleep(every_s)
        if await answers():
            if told:
                tell("The Prefect server answers again; the run goes on.")
            seen_at, told = clock(), False
        elif not told and clock() - seen_at >= _NOTABLE_S:
            told = True
            tell(f"The Prefect server does not answer; waiting for it, {patience_s:.0f} s at most.")
