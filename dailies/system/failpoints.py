"""Points at which a run can kill itself, so that tests prove what a crash at that point leaves behind.

``DAILIES_FAILPOINT=after-intent:7`` ends the process with SIGKILL when it passes that point for the seventh time: no
exception, no clean-up, as when the machine loses power. Without the variable, a point is an empty call. The variable is
read once, and here rather than in the settings: it is no setting and has no place in a ``.env``.
"""

import os
import signal
from collections.abc import Callable
from enum import StrEnum

VARIABLE = "DAILIES_FAILPOINT"


class Failpoint(StrEnum):
    """Moments just before or just after something becomes durable."""

    AFTER_DRAFT = "after-draft"
    """The manifest of a batch is written, but its journal is not visible yet."""
    AFTER_MANIFEST = "after-manifest"
    """One batch has its journal; the next batches do not."""
    AFTER_OWNER = "after-owner"
    """A run owns the batch, but has done nothing yet."""
    AFTER_INTENT = "after-intent"
    """The intent to submit is durable; nothing was sent."""
    AFTER_ANSWER = "after-answer"
    """The job exists and the run received its id, but the id is not durable."""
    AFTER_ID = "after-id"
    """The job id is durable; the job was never polled."""
    BEFORE_POLL = "before-poll"
    """The first poll is announced, or a later one is due; nothing was sent."""
    AFTER_POLL = "after-poll"
    """The poll was answered, perhaps with a charge; nothing of it is durable."""
    AFTER_OUTCOME = "after-outcome"
    """The outcome is durable, but not reported."""
    BEFORE_LINK = "before-link"
    """A segment of a journal is written, but not visible."""
    BEFORE_REPLACE = "before-replace"
    """A new version of a ledger file is written, but the old one is still in place."""
    AFTER_LEDGER_FILE = "after-ledger-file"
    """One file of the ledger is replaced; other files of the same fold are not."""
    AFTER_FOLD = "after-fold"
    """The ledger has everything that the journal holds; the journal still exists."""
    AFTER_RENAME = "after-rename"
    """The journal is renamed out of sight, but not removed."""


def _pass(_: Failpoint) -> None:
    """Do nothing: no point is armed."""


def _armed(spec: str) -> Callable[[Failpoint], None]:
    name, _, count = spec.partition(":")
    chosen, left = Failpoint(name), int(count or 1)

    def reach(point: Failpoint) -> None:
        nonlocal left
        if point is chosen:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return reach


reach: Callable[[Failpoint], None] = _armed(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else _pass
"""Pass a point; the process may end here."""
