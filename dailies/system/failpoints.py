"""Points at which a run can be made to kill itself, so that tests prove what a crash just there leaves behind.

``DAILIES_FAILPOINT=after-intent:7`` ends the process by SIGKILL when it passes that point for the seventh time: no
exception, no clean-up, as when the machine loses power. Without the variable a point is an empty call. It is read
once, and here instead of in the settings, because it is none: nobody should find it in a ``.env``.
"""

import os
import signal
from collections.abc import Callable
from enum import StrEnum

VARIABLE = "DAILIES_FAILPOINT"


class Failpoint(StrEnum):
    """The windows that matter: what was just made durable, or what is about to be."""

    AFTER_DRAFT = "after-draft"
    """A batch's manifest is written, but its journal is not visible yet."""
    AFTER_MANIFEST = "after-manifest"
    """One batch has its journal; those after it do not."""
    AFTER_OWNER = "after-owner"
    """A batch has its owner, who has done nothing yet."""
    AFTER_INTENT = "after-intent"
    """The intent to submit is durable; nothing was sent."""
    AFTER_ANSWER = "after-answer"
    """The job exists and its id was told, but is not durable."""
    AFTER_ID = "after-id"
    """The job's id is durable; nobody has polled it."""
    BEFORE_POLL = "before-poll"
    """The first poll is announced, or another one is due; nothing was sent."""
    AFTER_POLL = "after-poll"
    """The poll was answered, perhaps by a charge; nothing of it is durable."""
    AFTER_OUTCOME = "after-outcome"
    """The outcome is durable; nobody was told."""
    BEFORE_LINK = "before-link"
    """A journal's segment is written, but not visible."""
    BEFORE_REPLACE = "before-replace"
    """A new version of a ledger file is written, but the old one still stands."""
    AFTER_LEDGER_FILE = "after-ledger-file"
    """One file of the ledger is replaced; others that belong to the same fold are not."""
    AFTER_FOLD = "after-fold"
    """The ledger has all that the journal holds, and the journal is still there."""
    AFTER_RENAME = "after-rename"
    """The journal is out of sight, but not removed."""


def _pass(_: Failpoint) -> None:
    """Nothing is armed."""


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
