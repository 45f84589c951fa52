"""What counts as overdue."""

from datetime import timedelta

from dailies.ledger.entry import EntryStatus
from tasks.alarm import overdue
from tests.factories import NOW, make_entry

DAY = timedelta(days=1)


def test_a_job_is_overdue_after_a_day() -> None:
    late = make_entry("late", status=EntryStatus.PROCESSING, job_id="a", submitted_at=NOW - DAY - timedelta(seconds=1))
    later = make_entry("later", status=EntryStatus.PENDING, job_id="b", submitted_at=NOW - 2 * DAY)
    on_time = make_entry("on time", status=EntryStatus.PROCESSING, job_id="c", submitted_at=NOW - DAY)
    assert overdue([late, later, on_time], NOW) == [later, late]


def test_what_has_ended_or_was_never_sent_is_not_overdue() -> None:
    ages = {"submitted_at": NOW - 3 * DAY}
    ended = [make_entry(status.value, status=status, **ages) for status in EntryStatus if not status.is_open]
    assert overdue([*ended, make_entry("in doubt", status=EntryStatus.IN_DOUBT, **ages)], NOW) == []
