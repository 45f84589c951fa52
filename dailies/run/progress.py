"""The progress of a run: counts and money."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal

from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.pricing import ZERO


class Progress:
    """Counts the rows of a run by their present status.

    Attributes:
        total: rows that the run has claimed.
        charged_mxn: their charges so far, in MXN.
        worst_mxn: the most that they may cost, in MXN.
        pace: returns the present pace in words; empty while nothing has to wait.
    """

    def __init__(self, total: int, worst_mxn: Decimal, pace: Callable[[], str] = str) -> None:
        self.total = total
        self.worst_mxn = worst_mxn
        self.charged_mxn = ZERO
        self.pace = pace
        self._statuses: dict[str, EntryStatus] = {}
        self._counts: Counter[EntryStatus] = Counter()

    def see(self, entry: LedgerEntry) -> None:
        """Record a row's present entry."""
        before = self._statuses.get(entry.row_key)
        if before is entry.status:
            return
        if before is not None:
            self._counts[before] -= 1
        self._counts[entry.status] += 1
        self._statuses[entry.row_key] = entry.status
        if entry.status is EntryStatus.COMPLETED:
            self.charged_mxn += entry.charged_mxn or ZERO

    @property
    def completed(self) -> int:
        """Rows that have a video."""
        return self._counts[EntryStatus.COMPLETED]

    @property
    def failed(self) -> int:
        """Rows whose last attempt failed."""
        return self._counts[EntryStatus.FAILED]

    @property
    def rendering(self) -> int:
        """Rows with a job that has not ended."""
        return self._counts[EntryStatus.PENDING] + self._counts[EntryStatus.PROCESSING]

    @property
    def in_doubt(self) -> int:
        """Rows whose submit was not answered."""
        return self._counts[EntryStatus.IN_DOUBT]

    @property
    def submitted(self) -> int:
        """Rows that were submitted, whatever their result."""
        return self.rendering + self.completed + self.failed

    @property
    def waiting(self) -> int:
        """Rows that are not submitted yet."""
        return self.total - self.submitted - self.in_doubt
