"""Progress: every row is counted once, where it stands now."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from dailies.ledger.entry import EntryStatus
from dailies.run.progress import Progress
from tests.factories import KLING_5_S_MXN, completed, make_entry

S = EntryStatus


def test_a_row_is_followed_through_its_statuses():
    progress = Progress(2, Decimal("8.40"))
    entry = make_entry("a")
    counts = []
    for status in (S.IN_DOUBT, S.PENDING, S.PROCESSING, S.FAILED):
        progress.see(replace(entry, status=status))
        counts.append((progress.in_doubt, progress.rendering, progress.failed, progress.waiting))

    assert counts == [(1, 0, 0, 1), (0, 1, 0, 1), (0, 1, 0, 1), (0, 0, 1, 1)]


def test_a_second_attempt_takes_the_place_of_the_first():
    progress = Progress(1, KLING_5_S_MXN)
    progress.see(make_entry(status=S.FAILED))
    progress.see(make_entry(status=S.IN_DOUBT, attempt=2))
    progress.see(completed(make_entry(attempt=2)))

    assert (progress.failed, progress.completed, progress.waiting) == (0, 1, 0)
    assert progress.charged_mxn == KLING_5_S_MXN


def test_a_charge_is_added_once_however_often_it_is_seen():
    progress = Progress(1, KLING_5_S_MXN)
    progress.see(completed(make_entry()))
    progress.see(completed(make_entry()))

    assert progress.charged_mxn == KLING_5_S_MXN


def test_an_unknown_charge_adds_nothing():
    progress = Progress(1, KLING_5_S_MXN)
    progress.see(completed(make_entry(), charged_mxn=None))

    assert (progress.completed, progress.charged_mxn) == (1, 0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([s for s in S if s is not S.REJECTED])), max_size=20))
def test_the_counts_always_add_up_to_all_rows(seen):
    progress = Progress(3, Decimal(0))
    last = {}
    for prompt, status in seen:
        progress.see(make_entry(prompt, status=status))
        last[prompt] = status

    assert progress.completed + progress.failed + progress.rendering + progress.in_doubt + progress.waiting == 3
    assert progress.failed == sum(status is S.FAILED for status in last.values())
